"""Plans a sweep: every run's folder, what is finished already, and which runs share a population."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrogate_bench.config.contents import is_counted
from surrogate_bench.config.schema import GROUPS, PROTOCOL, RunConfig
from surrogate_bench.errors import UserError, did_you_mean
from surrogate_bench.store import runs as store
from surrogate_bench.store.provenance import program
from surrogate_bench.store.run_id import predecessor
from surrogate_bench.sweeps.stored import Job, find, follow, other_data, source_key
from surrogate_bench.sweeps.warm_start import waves
from surrogate_bench.system import user_files as helpers
from surrogate_bench.system.paths import data_root

if TYPE_CHECKING:
    import torch

    from surrogate_bench.datasets import Split

# What splits may take, so that a sweep of ten thousand seeds needs no more memory than one of ten.
SPLIT_BYTES = 1 << 27


@dataclass
class Plan:
    """A sweep's distinct jobs, the groups of those to be trained that can share a population, and each run's job.

    `waves` are the same groups again, as far as they need not wait: runs of a wave start from weights of earlier ones.
    """

    jobs: list[Job]
    groups: list[list[int]]
    asked: list[int]
    waves: list[list[list[int]]]


def plan(runs: list[RunConfig], device: torch.device, splits: Splits) -> Plan:
    """Finds out what is finished and checks the rest, so that nothing trains before every word is right."""
    for loss in {run.loss["path"] for run in runs if run.loss.get("path")}:
        helpers.refresh(Path(str(loss).rpartition(":")[0]))
    jobs: dict[Path, Job] = {}
    places = [store.folder(run, device.type) for run in runs]
    for run, place in zip(runs, places, strict=True):
        if place not in jobs:
            jobs[place] = find(run, place, device.type)
    splits.look(job.run for job in jobs.values() if job.data)
    other_data(jobs.values(), splits.data)
    follow(jobs)
    _check((job.run for job in jobs.values() if not job.found), splits)
    if other_data(jobs.values(), splits.data):
        follow(jobs)
        _check((job.run for job in jobs.values() if not job.found), splits)
    todo = {place: job for place, job in jobs.items() if not job.found}
    for job in todo.values():
        program(job.run)  # of now, before anybody edits the sources that are loaded
    _check_starts(jobs)
    if link := next(filter(store.is_link, todo), None):
        raise UserError(f"{str(link)!r}: {store.LINK}")
    position = {place: i for i, place in enumerate(jobs)}
    groups: dict[str, list[int]] = {}
    for place, job in todo.items():
        groups.setdefault(_shared(job.run, splits), []).append(position[place])
    in_waves = []
    for wave in waves({place: job.run for place, job in todo.items()}):
        ready = {position[place] for place in wave}
        parts = ([number for number in group if number in ready] for group in groups.values())
        in_waves.append([part for part in parts if part])
    return Plan(list(jobs.values()), list(groups.values()), [position[place] for place in places], in_waves)


class Splits:
    """The splits of a sweep's data sets, each made once as long as they fit in memory."""

    def __init__(self) -> None:
        self.made: dict[str, Split] = {}
        self.counted: dict[str, list[int]] = {}
        # The digests of what was read, by `source_key`.
        self.data: dict[str, str] = {}
        # How long it took to read data sets and to look at them, by `source_key`.
        self.reading: dict[str, float] = {}

    def of(self, run: RunConfig) -> Split:
        """The split of a run's data set by its seed."""
        from surrogate_bench.datasets import load_source, make_split

        key = json.dumps([run.dataset, run.seed], sort_keys=True, default=str)
        if key not in self.made:
            own = {k: v for k, v in run.dataset.items() if k not in PROTOCOL}
            how = {k: v for k, v in run.dataset.items() if k in PROTOCOL}
            began = time.perf_counter()
            split = make_split(load_source(**own), **how, seed=run.seed)
            self.reading.setdefault(source_key(run), time.perf_counter() - began)
            while self.made and self._bytes_with(split) > SPLIT_BYTES:
                self.made.pop(next(iter(self.made)))
            self.made[key] = split
            self.data[source_key(run)] = split.data
        return self.made[key]

    def seconds(self, run: RunConfig) -> float:
        """How long it takes to split a data set that was read once more: measured."""
        from surrogate_bench.datasets import load_source, make_split

        own = {k: v for k, v in run.dataset.items() if k not in PROTOCOL}
        how = {k: v for k, v in run.dataset.items() if k in PROTOCOL}
        began = time.perf_counter()
        make_split(load_source(**own), **how, seed=run.seed)
        return time.perf_counter() - began

    def look(self, runs: Iterable[RunConfig]) -> None:
        """Reads the data sets of a folder that the runs name, where its content is not in their ids, if it is there."""
        from surrogate_bench.datasets import load_source

        for run in runs:
            root = None if run.dataset.get("path") else run.dataset.get("root")
            if root and data_root(root).is_dir() and source_key(run) not in self.data and not is_counted(run.dataset):
                own = {k: v for k, v in run.dataset.items() if k not in PROTOCOL}
                with contextlib.suppress(UserError):
                    self.data[source_key(run)] = load_source(**own).digest

    def sizes(self, run: RunConfig) -> list[int]:
        """How many examples the parts of a run's split have, which is the same for every seed."""
        key = json.dumps(run.dataset, sort_keys=True, default=str)
        if key not in self.counted:
            split = self.of(run)
            self.counted[key] = [len(split.train), len(split.val), len(split.test)]
        return self.counted[key]

    def _bytes_with(self, latest: Split) -> int:
        """The bytes of all splits, the latest included, beside the latest one's data set."""
        held = [*self.made.values(), latest]
        others = {id(split.source): split.source.nbytes for split in held if split.source is not latest.source}
        return sum(split.own_bytes for split in held) + sum(others.values())


def _shared(run: RunConfig, splits: Splits) -> str:
    """The options that runs must agree on to share a population; folds may differ if their parts have one size."""
    dataset = run.dataset
    if dataset["fold"] is not None:
        dataset = dataset | {"fold": splits.sizes(run)}
    optimizer = {k: v for k, v in run.optimizer.items() if k not in ("lr", "weight_decay")}
    trainer = vars(run.trainer) | {"warm_start": None}
    what = [dataset, run.model, optimizer, trainer, run.precision, run.deterministic]
    return json.dumps(what, sort_keys=True, default=str)


def _check(runs: Iterable[RunConfig], splits: Splits) -> None:
    """Builds each distinct component once: a value out of its range is found before anything trains."""
    from surrogate_bench.losses import create_loss
    from surrogate_bench.models import create_model
    from surrogate_bench.training.optimizers import create_optimizer

    seen: set[str] = set()

    def new(*what: Any) -> bool:
        key = json.dumps(what, sort_keys=True, default=str)
        known = key in seen
        seen.add(key)
        return not known

    for run in runs:
        parts: dict[str, dict[str, Any]] = {group: dict(getattr(run, group)) for group in GROUPS}
        names = {group: part.pop("name") for group, part in parts.items()}
        try:
            if new("loss", run.loss):
                create_loss(names["loss"], **parts["loss"])
            if new("optimizer", run.optimizer):
                create_optimizer([run.optimizer], steps=1, device="cpu")
            if new("data", run.dataset, run.model):
                shape = splits.of(run).shape
                create_model(names["model"], shape, seed=0, **parts["model"])
            if new("batches", run.dataset, names["loss"], run.trainer.batch_size, run.trainer.sampler):
                _check_batches(run, splits.of(run))
        except UserError:
            raise
        except ValueError as error:
            raise UserError(str(error)) from error


def _check_starts(jobs: dict[Path, Job]) -> None:
    """Raises UserError for a run that is to start from one that is neither stored nor in the sweep."""
    for job in jobs.values():
        place = predecessor(job.run)
        if place and not job.found and place not in jobs and not store.version(place):
            near = did_you_mean(place.name, [entry.name for entry in place.parent.glob("*")])
            raise UserError(f"trainer.warm_start: there is no run {place.name!r} in {str(place.parent)!r}{near}")


def _check_batches(run: RunConfig, split: Split) -> None:
    """Raises UserError where the loss would find too few of a class in every batch, or stratified in any."""
    from surrogate_bench.losses import loss_info

    info, examples = loss_info(run.loss["name"]), len(split.train)
    positives = int(split.y[split.train].sum())
    for kind, least, there in (
        ("positive", info.min_positives, positives),
        ("negative", info.min_negatives, examples - positives),
    ):
        if there < least:
            raise UserError(f"loss {info.name} needs a {kind} example, and the training set has {there}")
        batches = -(-examples // run.trainer.batch_size)
        if run.trainer.sampler == "stratified" and there < batches * least:
            enough = -(-examples // (there // least))
            raise UserError(
                f"loss {info.name} needs a {kind} example a batch, and the training set has {there} for {batches} "
                f"batches: say trainer.batch_size={enough}"
            )
    if run.trainer.batch_size < (both := info.min_positives + info.min_negatives):
        raise UserError(f"loss {info.name} needs both classes in a batch: say trainer.batch_size={both}")
