"""The configuration of a run: typed, checked in words, and the identity that its folder is named by.

Groups (`dataset`, `model`, `loss`, `optimizer`) are typed by the signature of the component that they name; the rest by
the dataclasses here. Nothing is imported by a configuration's word, and torch not at all.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from surrogate_bench.errors import UserError, did_you_mean, unknown
from surrogate_bench.metrics.names import check_names
from surrogate_bench.places import locate
from surrogate_bench.registry import entries, lookup

HERE = Path(__file__).resolve().parent
# A wheel carries conf/ inside the package; a checkout keeps it at the root.
CONF = next((place for place in (HERE / "conf", HERE.parent / "conf") if (place / "config.yaml").is_file()), HERE)

SCHEMA = 1
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
)
# A run draws its streams of random numbers from a few times its seed, which must fit in 64 bits.
MOST_SEED = 2**60
# Two names and some more fit into the 255 bytes that a file's name may have.
MOST_BYTES = 100
# What does not change a run's numbers, or says only where things lie.
COSMETIC = ("experiment", "output", "force", "retry_failed", "launcher", "suite")
# Options that came after the first results, which had these values: at them a run is what it was before.
LATER: dict[str, Any] = {
    "dataset.fold": None,
    "dataset.folds": 10,
    "dataset.folds_seed": 0,
    "dataset.validation": 0.25,
    "dataset.scaling": "train",
    "dataset.splits": None,
    "dataset.label": None,
    "dataset.origin": None,
    "dataset.sha256": None,
    "model.zeros": False,
    "model.activation": "relu",
    "trainer.select": "best",
    "trainer.warm_start": None,
    "deterministic": True,
}


@dataclass
class TrainerConfig:
    """How long, in what portions, how batches are drawn, and which epoch is taken: the best on validation, or the last.

    `monitor` is the validation metric that says which epoch is the best, and what the threshold is tuned for.
    `warm_start` names a run of the same experiment, whose weights training starts from; `previous` is the one before
    it in a sweep, and `previous:RUN` what that turned out to be.
    """

    epochs: int = 60
    batch_size: int = 64
    monitor: str = "f1"
    sampler: str = "shuffled"
    select: str = "best"
    warm_start: str | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        _at_least("trainer.epochs", self.epochs, 1)
        _at_least("trainer.batch_size", self.batch_size, 1)
        check_names([self.monitor], what="trainer.monitor")
        if self.sampler not in SAMPLERS:
            raise unknown("sampler", self.sampler, SAMPLERS)
        if self.select not in SELECTIONS:
            raise unknown("trainer.select", self.select, SELECTIONS)
        if not re.fullmatch(rf"{PREVIOUS}|({PREVIOUS}:)?([\w+-]+-s\d+-\w+)?", self.warm_start or ""):
            raise UserError(f"trainer.warm_start must name a run or be {PREVIOUS}, not {self.warm_start!r}")


@dataclass
class LauncherConfig:
    """How a sweep is carried out; no run's numbers depend on it."""

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
    """What a run has beside its components."""

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
    launcher: LauncherConfig = field(default_factory=LauncherConfig)


@dataclass(kw_only=True)
class RunConfig(Settings):
    """Everything that one run is; `dataset`, `model`, `loss` and `optimizer` are `name` and hyperparameters."""

    dataset: dict[str, Any]
    model: dict[str, Any]
    loss: dict[str, Any]
    optimizer: dict[str, Any]

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


def typed(composed: DictConfig) -> DictConfig:
    """The composed configuration on its schema: every key known, every value of its type, `+` or not.

    Raises UserError for the first key or value that does not fit.
    """
    given = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(given, dict)
    given.pop("hydra", None)
    names = {}
    for group in GROUPS:
        choice = given.get(group)
        if not isinstance(choice, dict) or not isinstance(choice.get("name"), str):
            raise UserError(f"{group} must name a choice, as in {group}={next(iter(entries(group)))}")
        names[group] = choice["name"]
    try:
        base = OmegaConf.structured(_schema(**names))
        return OmegaConf.merge(base, given)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise explain(error) from error


def plain(config: DictConfig) -> dict[str, Any]:
    """A typed configuration as nested dictionaries, its interpolations resolved."""
    try:
        return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise explain(error) from error


def resolve(plain: dict[str, Any]) -> RunConfig:
    """The run of a plain configuration. Raises UserError for a missing value and for one out of its range."""
    for group in GROUPS:
        for key, value in plain[group].items():
            if value == MISSING:
                raise UserError(f"{group}.{key} must be given, as in {group}.{key}=...")
            if isinstance(value, float) and value != value:
                raise UserError(f"{group}.{key} must be a number, not {value}")
    nested = {"trainer": TrainerConfig(**plain["trainer"]), "launcher": LauncherConfig(**plain["launcher"])}
    return RunConfig(**plain | nested)


def identity(run: RunConfig, device: str) -> dict[str, Any]:
    """What a run is, to the exclusion of where things lie: files count by their content, the device by its kind."""
    # Copies as deep as what follows changes: for thousands of runs, `asdict` takes longer than all the rest.
    plain = {key: value for key, value in vars(run).items() if key not in COSMETIC}
    plain |= {group: dict(plain[group]) for group in GROUPS} | {"trainer": dict(vars(run.trainer))}
    del plain["trainer"]["resume"]
    plain["device"], plain["schema"] = device.partition(":")[0], SCHEMA
    for key in ("path", "test", "splits"):
        if plain["dataset"].get(key):
            plain["dataset"][key] = _digest(locate(run.dataset, key))
    if plain["loss"].get("path"):
        file, colon, name = str(plain["loss"]["path"]).rpartition(":")
        plain["loss"]["path"] = _digest(Path(file)) + colon + name
    for group in GROUPS:
        plain[group].pop("root", None)
    for key in ("label", "origin", "sha256"):  # what the file holds says more
        plain["dataset"].pop(key, None)
    for key, before in LATER.items():
        group, _, own = key.rpartition(".")
        owner = plain[group] if group else plain
        if owner.get(own, ...) == before:
            del owner[own]
    return plain


def run_id(run: RunConfig, device: str) -> str:
    """`breast_cancer-mlp-soft_f1-s0-1a2b3c4d5e`: readable, and one folder a configuration."""
    canonical = json.dumps(identity(run, device), sort_keys=True, default=str)
    words = [*labels(run).values(), f"s{run.seed}", hashlib.sha256(canonical.encode()).hexdigest()[:10]]
    return "-".join(words)


def predecessor(run: RunConfig) -> Path | None:
    """The folder of the run whose weights this one starts from; None where it starts anew."""
    name = (run.trainer.warm_start or "").rpartition(":")[2]
    return Path(run.output) / run.experiment / name if name else None


def labels(run: RunConfig) -> dict[str, str]:
    """What tables and folders call the run's data set, model and loss: a user's own by its file's name."""
    named = (run.dataset.get(key) for key in ("label", "openml_name", "path", "name"))
    dataset = next(name for name in named if name)
    loss = run.loss["path"].rpartition(":")[2] if run.loss["name"] == "custom" else run.loss["name"]
    labels = {"dataset": Path(str(dataset)).name.split(".")[0], "model": run.model["name"], "loss": loss}
    short = {kind: re.sub(r"[^\w+-]+", "_", name)[:60].encode()[:MOST_BYTES] for kind, name in labels.items()}
    return {kind: name.decode(errors="ignore") or kind for kind, name in short.items()}


def command(run: RunConfig) -> str:
    """The command that repeats a run: its choices, and every value that is not the default."""
    words = [f"{group}={getattr(run, group)['name']}" for group in GROUPS]
    for group in GROUPS:
        defaults = {p.name: p.default for p in lookup(group, getattr(run, group)["name"]).parameters}
        defaults |= {name: default for name, _, default in OF_EVERY_DATASET} if group == "dataset" else {}
        changed = {k: v for k, v in getattr(run, group).items() if k != "name" and v != defaults.get(k)}
        for key, value in changed.items():
            # Hydra lets a mapping have a key that its YAML lacks only where the key is added.
            own = [(f"+{group}.{key}.{k}", v) for k, v in value.items()] if isinstance(value, dict) else None
            words += [f"{name}={_word(item)}" for name, item in own or [(f"{group}.{key}", value)]]
    for owner, prefix in ((run.trainer, "trainer."), (run, "")):
        for known in dataclasses.fields(owner):
            value = getattr(owner, known.name)
            if known.name not in (*GROUPS, "trainer", "launcher", "suite", "retry_failed") and value != known.default:
                words.append(f"{prefix}{known.name}={_word(value)}")
    return shlex.join(["surrogate-bench", *words])


def _word(value: Any) -> str:
    """A value as Hydra's override grammar reads it."""
    if isinstance(value, list):
        return f"[{','.join(map(_word, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_word(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and not re.fullmatch(r"[\w./:+-]+", value, re.ASCII):
        # A backslash means itself, save before what ends a text or an interpolation begins.
        value = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)
        return '"' + re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + found[2].replace('"', '\\"'), value) + '"'
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)


def explain(error: Exception) -> UserError:
    """OmegaConf's complaint about a key or a value, in one line with the nearest right word."""
    key = getattr(error, "full_key", None) or getattr(error, "key", None) or ""
    first = str(error).splitlines()[0]
    if isinstance(error, ConfigKeyError | AttributeError):
        parent = getattr(error, "parent_node", None)
        known = list(parent.keys()) if isinstance(parent, DictConfig) else []
        prefix = str(key).rpartition(".")[0]
        near = did_you_mean(str(key).rpartition(".")[2], [str(name) for name in known])
        return UserError(f"unknown option {str(key)!r}" + (f" of {prefix}" if prefix else "") + near)
    return UserError(f"{key}: {first}" if key else first)


@functools.cache
def _schema(**names: str) -> type:
    components = [(group, _component(group, name)) for group, name in names.items()]
    fields = [(group, kind, field(default_factory=kind)) for group, kind in components]
    return dataclasses.make_dataclass("Run", fields, bases=(Settings,), kw_only=True)


def _component(group: str, name: str) -> type:
    """The schema of one component: its name, its signature, and what every data set has."""
    entry = lookup(group, name)
    common: list[Any] = list(OF_EVERY_DATASET) if group == "dataset" else []
    own = [
        (p.name, p.type, field(default_factory=functools.partial(type(p.default), p.default)))
        if isinstance(p.default, list | dict)
        else (p.name, p.type, MISSING if p.default is ... else p.default)
        for p in entry.parameters
    ]
    return dataclasses.make_dataclass(f"{group}_{name}", [("name", str, name), *own, *common])


def _check_protocol(dataset: dict[str, Any]) -> None:
    """Raises UserError for a protocol's option that is out of its range."""
    if (fold := dataset.get("fold")) is not None:
        _at_least("dataset.fold", fold, 0)
    _at_least("dataset.folds", dataset.get("folds", 2), 2)
    _at_least("dataset.folds_seed", dataset.get("folds_seed", 0), 0)
    if not 0 <= (share := dataset.get("validation", 0.25)) < 1:
        raise UserError(f"dataset.validation must be a share from 0 to below 1, not {share}")
    if (scaling := dataset.get("scaling", "train")) not in SCALINGS:
        raise unknown("dataset.scaling", scaling, SCALINGS)


def _digest(file: Path) -> str:
    try:
        status = file.stat()
        return _digest_of(file, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise UserError(f"cannot read {str(file)!r}: {error.strerror}") from error


@functools.lru_cache(maxsize=1024)
def _digest_of(file: Path, *version: int) -> str:
    del version  # another one is another content
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise UserError(f"{key} must be at least {least}, not {value}")
