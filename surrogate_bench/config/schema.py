"""The configuration of a run: typed dataclasses, which refuse a value out of its range in one line.

Groups (`dataset`, `model`, `loss`, `optimizer`) are typed by the signature of the component that they name.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any

from surrogate_bench.errors import UserError, unknown
from surrogate_bench.metrics.names import monitored

GROUPS = ("dataset", "model", "loss", "optimizer")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16")
SAMPLERS = ("shuffled", "stratified")
SELECTIONS = ("best", "last")
SCALINGS = ("train", "all", "none")
PREVIOUS = "previous"
# What every data set has beside its own hyperparameters.
OF_EVERY_DATASET = (
    ("positive", Any, None),
    ("imratio", float | None, None),
    ("fold", int | None, None),
    ("folds", int, 10),
    ("folds_seed", int, 0),
    ("validation", float, 0.25),
    ("scaling", str, "train"),
    ("rows", int | None, None),
    ("rows_seed", int, 0),
)
PROTOCOL = frozenset(name for name, _, _ in OF_EVERY_DATASET)
# A run draws its streams of random numbers from a few times its seed, which must fit in 64 bits.
MOST_SEED = 2**60
# Two names and some more fit into the 255 bytes that a file's name may have.
MOST_BYTES = 100


@dataclass
class TrainerConfig:
    """How long, in what portions, how batches are drawn, and which epoch is taken: the best on validation, or the last.

    `monitor` is the validation metric that says which epoch is the best; of epochs that it cannot tell apart, the one
    of the lowest validation log loss is. The threshold is tuned for it too: at an operating point, as
    `precision_at_recall@0.8`, the one that reaches the level; f1 where a metric needs none.
    `warm_start` names a run of the same experiment, whose weights training starts from; `previous` is the one before
    it in a sweep, and `previous:RUN` what that turned out to be.
    """

    epochs: int = 60
    batch_size: int = 64
    monitor: str = "f1_tuned"
    sampler: str = "shuffled"
    select: str = "best"
    warm_start: str | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        _at_least("trainer.epochs", self.epochs, 1)
        _at_least("trainer.batch_size", self.batch_size, 1)
        self.monitor = monitored(self.monitor)
        if self.sampler not in SAMPLERS:
            raise unknown("sampler", self.sampler, SAMPLERS)
        if self.select not in SELECTIONS:
            raise unknown("trainer.select", self.select, SELECTIONS)
        if not re.fullmatch(rf"{PREVIOUS}|({PREVIOUS}:)?([\w+-]+-s\d+-\w+)?", self.warm_start or ""):
            raise UserError(f"trainer.warm_start must name a run or be {PREVIOUS}, not {self.warm_start!r}")


@dataclass
class LauncherConfig:
    """How a sweep is carried out; on a CPU, no run's numbers depend on it to the last bit.

    A loss of the user's own may be the exception, where it calls one of torch's rarer functions.
    """

    width: int | None = None
    workers: int | None = None
    deadline: float | None = None
    plan: bool = False

    def __post_init__(self) -> None:
        for key in ("width", "workers"):
            if (value := getattr(self, key)) is not None:
                _at_least(f"launcher.{key}", value, 1)
        if self.deadline is not None and not self.deadline > 0:
            raise UserError(f"launcher.deadline must be above 0 seconds, not {self.deadline}")


@dataclass(kw_only=True)
class Settings:
    """The settings of a run beside its components."""

    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    seed: int = 0
    device: str = "auto"
    precision: str = "fp32"
    deterministic: bool = True
    experiment: str = "default"
    suite: str | None = None
    output: str = "outputs"
    force: bool = False
    retry_failed: bool = True
    keep_stale: bool = False
    launcher: LauncherConfig = field(default_factory=LauncherConfig)


@dataclass(kw_only=True)
class RunConfig(Settings):
    """Everything that one run is; `dataset`, `model`, `loss` and `optimizer` are `name` and hyperparameters.

    from_environment: how the configuration asks for the values, by their keys, that are of environment variables.
    """

    dataset: dict[str, Any]
    model: dict[str, Any]
    loss: dict[str, Any]
    optimizer: dict[str, Any]
    from_environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _at_least("seed", self.seed, 0)
        _check_protocol(self.dataset)
        if self.seed > MOST_SEED:
            raise UserError(f"seed must be at most {MOST_SEED}, not {self.seed}")
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", self.device):
            raise unknown("device", self.device, DEVICES)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        if not re.fullmatch(r"[\w.+=-]+", self.experiment) or set(self.experiment) <= {"."}:
            raise UserError(f"experiment must be a folder's name (letters, digits, . _ - + =), not {self.experiment!r}")
        if len(self.experiment.encode()) > MOST_BYTES:
            raise UserError(f"experiment must be a name of at most {MOST_BYTES} bytes, not {self.experiment[:40]!r}...")


def as_stored(run: RunConfig) -> dict[str, Any]:
    """The run as nested dictionaries, as its files keep it."""
    found = dataclasses.asdict(run)
    if not run.from_environment:
        del found["from_environment"]
    return found


def _check_protocol(dataset: dict[str, Any]) -> None:
    """Raises UserError for a protocol's option that is out of its range."""
    if (fold := dataset.get("fold")) is not None:
        _at_least("dataset.fold", fold, 0)
    _at_least("dataset.folds", dataset.get("folds", 2), 2)
    _at_least("dataset.folds_seed", dataset.get("folds_seed", 0), 0)
    _at_least("dataset.rows", 2 if (rows := dataset.get("rows")) is None else rows, 2)
    _at_least("dataset.rows_seed", dataset.get("rows_seed", 0), 0)
    if not 0 <= (share := dataset.get("validation", 0.25)) < 1:
        raise UserError(f"dataset.validation must be a share from 0 to below 1, not {share}")
    if (scaling := dataset.get("scaling", "train")) not in SCALINGS:
        raise unknown("dataset.scaling", scaling, SCALINGS)


def _at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise UserError(f"{key} must be at least {least}, not {value}")
