"""The predictions that a run has stored, read within what so many examples can need."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from surrogate_bench.system.files import MOST_BYTES, check_seal, content, unpacked_size

if TYPE_CHECKING:
    import numpy as np

    from surrogate_bench.comparison.run import Run

PREDICTIONS = "predictions.npz"
# A logit and a target, in whatever type.
EXAMPLE_BYTES = 64
# Ours are not packed. Who packs them to save space may do so up to here.
MOST_PACKED = 2**28


def read_predictions(run: Run) -> dict[str, np.ndarray]:
    """The run's arrays by name.

    Raises OSError where there is no file, or one too large for the examples that the run's result tells of, and
    whatever numpy raises for a damaged one. What a packed file would unpack to is looked at before it is unpacked.
    """
    import numpy as np

    most = MOST_BYTES + EXAMPLE_BYTES * int(sum(part.get("total", 0) for part in run.examples.values()))
    found = content(run.folder / PREDICTIONS, most)
    check_seal(found, run.predictions)
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        if unpacked_size(archive) > max(len(found), min(most, MOST_PACKED)):
            raise ValueError("it unpacks to more than its examples need")
    with np.load(io.BytesIO(found), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
