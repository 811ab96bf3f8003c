"""The identity of a run, which names its folder; experiment names and the places of files do not count."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from surrogate_bench.config.contents import of_loss, of_pictures
from surrogate_bench.config.schema import GROUPS, MOST_BYTES, RunConfig
from surrogate_bench.registry import PARTS, lookup, revision
from surrogate_bench.system import digests
from surrogate_bench.system.paths import locate

SCHEMA = 1
# What does not change a run's numbers, or says only where things lie.
COSMETIC = ("experiment", "output", "force", "retry_failed", "keep_stale", "launcher", "suite", "from_environment")
# Options that came after the first results, which had these values: at them a run is what it was before.
LATER: dict[str, Any] = {
    "dataset.fold": None,
    "dataset.folds": 10,
    "dataset.folds_seed": 0,
    "dataset.validation": 0.25,
    "dataset.scaling": "train",
    "dataset.rows": None,
    "dataset.rows_seed": 0,
    "dataset.splits": None,
    "dataset.label": None,
    "dataset.origin": None,
    "dataset.sha256": None,
    "dataset.skip": 0,
    "dataset.skip_end": None,
    "dataset.comment": None,
    "dataset.quotes": None,
    "dataset.decimal": None,
    "dataset.dates": None,
    "dataset.many": "other",
    "model.zeros": False,
    "model.activation": "relu",
    "trainer.select": "best",
    "trainer.warm_start": None,
    "deterministic": True,
    "loss.constraint": "bits",
}
VARIABLE = re.compile(r"\$\{oc\.env:([^,}]*)[^}]*\}")
# The words for a missing value by default, and those among them that were told of: pandas had all of them anyway.
MISSING = ["?", "", "NA", "N/A", "n/a", "NaN", "-NaN", "nan", "-nan", "NULL", "null", "None", "<NA>", "#N/A"]
MISSING += ["#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"]
TOLD = ["?", "", "NA", "N/A", "NaN", "nan", "null"]


def identity(run: RunConfig, device: str) -> dict[str, Any]:
    """The run as plain data without the places of things: files count by their content, the device by its kind."""
    # Copies as deep as what follows changes: for thousands of runs, `asdict` takes longer than all the rest.
    plain = {key: value for key, value in vars(run).items() if key not in COSMETIC}
    plain |= {group: dict(plain[group]) for group in GROUPS} | {"trainer": dict(vars(run.trainer))}
    del plain["trainer"]["resume"]
    plain["device"], plain["schema"] = device.partition(":")[0], SCHEMA
    for key in ("path", "test", "splits"):
        if plain["dataset"].get(key):
            plain["dataset"][key] = digests.count(locate(run.dataset, key))
    if plain["loss"].get("path"):
        plain["loss"] = of_loss(plain["loss"])
    if pictures := of_pictures(plain["dataset"]):
        plain["dataset"]["pictures"] = pictures
    for group in GROUPS:
        plain[group].pop("root", None)
    for key in ("label", "origin", "sha256"):  # what the file holds says more
        plain["dataset"].pop(key, None)
    if plain["dataset"].get("missing") == MISSING:
        plain["dataset"]["missing"] = TOLD
    for key, before in LATER.items():
        group, _, own = key.rpartition(".")
        owner = plain[group] if group else plain
        if owner.get(own, ...) == before:
            del owner[own]
    if raised := {part: number for part, number in revisions(run).items() if number > 1}:
        plain["revisions"] = raised
    return plain


def revisions(run: RunConfig) -> dict[str, int]:
    """The revision of each part of the program that decides a run's numbers."""
    return _revisions(*(getattr(run, group)["name"] for group in GROUPS))


def run_id(run: RunConfig, device: str) -> str:
    """`breast_cancer-mlp-soft_f1-s0-1a2b3c4d5e`: readable, and one folder a configuration."""
    return _named(run, identity(run, device))


def former_ids(run: RunConfig, device: str) -> Iterator[str]:
    """The ids that the run had at earlier revisions, the latest first."""
    raised = {part: number for part, number in revisions(run).items() if number > 1}
    if raised:
        plain = identity(run, device)
        for numbers in itertools.product(*(range(number, 0, -1) for number in raised.values())):
            before = {part: number for part, number in zip(raised, numbers, strict=True) if number > 1}
            if before != raised:
                yield _named(
                    run,
                    plain | {"revisions": before} if before else {k: v for k, v in plain.items() if k != "revisions"},
                )


def predecessor(run: RunConfig) -> Path | None:
    """The folder of the run whose weights this one starts from; None where it starts anew."""
    name = (run.trainer.warm_start or "").rpartition(":")[2]
    return Path(run.output) / run.experiment / name if name else None


def labels(run: RunConfig) -> dict[str, str]:
    """The names of the run's data set, model and loss in tables and folders: a user's own by its file's name.

    In place of an environment variable's value stands its name.
    """
    asked = {key: VARIABLE.sub(r"\1", how) for key, how in run.from_environment.items()}
    named = ((key, run.dataset.get(key)) for key in ("label", "openml_name", "path", "name"))
    dataset = next(asked.get(f"dataset.{key}", name) for key, name in named if name)
    custom = asked.get("loss.path", run.loss.get("path") or "").rpartition(":")[2]
    loss = custom if run.loss["name"] == "custom" else run.loss["name"]
    labels = {"dataset": Path(str(dataset)).name.split(".")[0], "model": run.model["name"], "loss": loss}
    return {kind: _short(name) or kind for kind, name in labels.items()}


@functools.lru_cache(maxsize=1024)
def _short(name: str) -> str:
    return re.sub(r"[^\w+-]+", "_", name)[:60].encode()[:MOST_BYTES].decode(errors="ignore")


def _named(run: RunConfig, plain: dict[str, Any]) -> str:
    canonical = json.dumps(plain, sort_keys=True, default=str)
    words = [*labels(run).values(), f"s{run.seed}", hashlib.sha256(canonical.encode()).hexdigest()[:10]]
    return "-".join(words)


@functools.cache
def _revisions(*names: str) -> dict[str, int]:
    components = {group: lookup(group, name).revision for group, name in zip(GROUPS, names, strict=True)}
    return {part: revision(part) for part in PARTS} | components
