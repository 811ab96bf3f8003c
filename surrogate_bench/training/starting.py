"""Initial weights of training: drawn by the seed, or read from another run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from surrogate_bench.models import create_model
from surrogate_bench.store.run_id import predecessor
from surrogate_bench.system import digests
from surrogate_bench.system.files import MOST_BYTES, check_seal, content, tensors, unsealed
from surrogate_bench.training.data import stream_seed

if TYPE_CHECKING:
    from surrogate_bench.config.schema import RunConfig


def initial_model(run: RunConfig, shape: tuple[int, ...]) -> nn.Module:
    """The run's net before its first step, for examples of this shape.

    Raises ValueError where the run that it starts from has left no weights, or those of another net.
    """
    hyperparameters = {key: value for key, value in run.model.items() if key != "name"}
    model = create_model(run.model["name"], shape, seed=stream_seed(run.seed, "weights"), **hyperparameters)
    if place := predecessor(run):
        try:
            stored = tensors(place / "checkpoint.pt", check=lambda found: _check(place, found))
            model.load_state_dict({name: value for name, value in stored.items() if not name.startswith("loss.")})
        except FileNotFoundError as error:
            raise ValueError(f"trainer.warm_start: run {place.name} has left no weights") from error
        except (OSError, ValueError) as error:
            raise ValueError(f"trainer.warm_start: the weights of run {place.name} cannot be read: {error}") from error
        except RuntimeError as error:
            raise ValueError(f"trainer.warm_start: run {place.name} has another net") from error
    return model


def _check(place: Path, found: bytes) -> None:
    """Raises ValueError where weights are not those that their run has left."""
    try:
        result = unsealed(content(place / "result.json", MOST_BYTES))
    except OSError:
        return
    check_seal(found, result.get("checkpoint_sha256") if isinstance(result, dict) else None)
    digests.check(place / "checkpoint.pt", found)


def start_alarms(run: RunConfig) -> list[dict[str, str]]:
    """Alarms about a run's start: weights of other folds have been trained on its test rows."""
    if not predecessor(run) or run.dataset["fold"] is None:
        return []
    return [{"name": "leak", "message": "starts from weights that other folds may have trained, on its test rows"}]
