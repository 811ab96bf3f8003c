"""What a run is, whatever it is called and wherever its files lie: the identity that its folder is named by."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from surrogate_bench.config.schema import GROUPS, MOST_BYTES, RunConfig
from surrogate_bench.errors import UserError
from surrogate_bench.own_code import helpers, source
from surrogate_bench.places import locate
from surrogate_bench.writing import content

SCHEMA = 1
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
        code = source(file, "loss.path")
        digest, beside = _digest(code), [_digest(other) for other in helpers(code)]
        if beside:
            digest = hashlib.sha256("".join([digest, *beside]).encode()).hexdigest()[:16]
        plain["loss"]["path"] = digest + colon + name
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


def _digest(file: Path) -> str:
    try:
        status = file.stat()
        return _digest_of(file, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise UserError(f"cannot read {str(file)!r}: {error.strerror}") from error


@functools.lru_cache(maxsize=1024)
def _digest_of(file: Path, *version: int) -> str:
    del version  # another one is another content
    return hashlib.sha256(content(file)).hexdigest()[:16]
