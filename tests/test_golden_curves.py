"""Twenty training steps of every loss to ten digits: any change of a formula is seen, and has to be meant.

The digits after those are the processor's: libraries for exp, log and sums choose their code by it.
A loss whose numbers change on purpose gets another `revision` in its decorator: stored results of the old numbers are
stale then. `python tests/test_golden_curves.py` writes the new numbers, and none at the revision that has others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from surrogate_bench.losses import create_loss, list_losses, loss_info
from surrogate_bench.registry import lookup

STORED = Path(__file__).parent / "golden_curves.json"
LOSSES = [name for name in list_losses() if name != "custom"]
STEPS, EXAMPLES, BATCH = 20, 60, 24


def curve(name: str) -> list[str]:
    """The losses of a linear model on its first steps of gradient descent, in fp64 and as hexadecimal digits."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(EXAMPLES, 4, generator=generator, dtype=torch.float64)
    y = (x[:, 0] + 0.5 * torch.randn(EXAMPLES, generator=generator, dtype=torch.float64) > 0.8).double()
    weights = torch.tensor([0.1, -0.2, 0.3, 0.0, -0.1], dtype=torch.float64, requires_grad=True)
    loss = create_loss(name)
    loss.seed(torch.tensor(7))
    loss.fit(y)
    values = []
    for step in range(STEPS):
        index = (torch.arange(BATCH) + step * 17) % EXAMPLES
        # Sums in the order of the code here, and not in that of a library for matrices.
        logits = weights[4] + sum(x[index, i] * weights[i] for i in range(4))
        positions = (index,) if loss_info(name).needs_index else ()
        value = loss(logits, y[index], *positions)
        (gradient,) = torch.autograd.grad(value, weights)
        with torch.no_grad():
            weights -= 0.5 * gradient
        values.append(value.item().hex())
    return values


def curves() -> dict[str, object]:
    """Every loss's curve and revision."""
    torch.set_num_threads(1)
    revisions = {name: lookup("loss", name).revision for name in LOSSES}
    return {"revisions": revisions, "curves": {name: curve(name) for name in LOSSES}}


def computed() -> dict[str, Any]:
    """The curves of a process without vector instructions, of which each width adds in another order."""
    environment = os.environ | {"ATEN_CPU_CAPABILITY": "default"}
    words = [sys.executable, __file__, "--print"]
    return json.loads(subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return computed()


def test_every_loss_has_a_curve() -> None:
    assert set(json.loads(STORED.read_text())["curves"]) == set(LOSSES)


def same(name: str, stored: dict[str, Any], now: dict[str, Any]) -> bool:
    """True if a loss's curve is the stored one."""
    expected, found = ([float.fromhex(value) for value in record["curves"][name]] for record in (stored, now))
    return found == pytest.approx(expected, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_the_curve_is_the_stored_one(name: str, now: dict[str, Any]) -> None:
    stored = json.loads(STORED.read_text())
    assert len(set(now["curves"][name])) > 1
    assert same(name, stored, now)
    assert now["revisions"][name] == stored["revisions"][name]


def refused(stored: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is to be raised before these numbers may take the place of the stored ones."""
    return [
        f"{name} has other numbers: say revision={revision + 1} where {lookup('loss', name).module} registers it"
        for name, revision in now["revisions"].items()
        if name in stored["curves"] and revision <= stored["revisions"][name] and not same(name, stored, now)
    ]


def test_other_numbers_are_written_at_another_revision_only() -> None:
    stored = json.loads(STORED.read_text())
    assert refused(stored, stored) == []
    other = stored | {"curves": stored["curves"] | {"bce": stored["curves"]["hinge"]}}
    assert refused(stored, other) == [
        "bce has other numbers: say revision=2 where surrogate_bench.losses.pointwise registers it"
    ]
    assert refused(stored, other | {"revisions": stored["revisions"] | {"bce": 2}}) == []
    assert refused(stored, stored | {"curves": stored["curves"] | {"new": ["0x1p0"]}}) == []


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(json.dumps(curves()))
    else:
        new = computed()
        if lines := refused(json.loads(STORED.read_text()), new):
            sys.exit("\n".join([*lines, "nothing was written"]))
        STORED.write_text(json.dumps(new, indent=1) + "\n")
