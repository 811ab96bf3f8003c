"""One name and several things behind it: data whose content changed, code that was edited, a component's revisions.

Each is a version of its own. The newest one, by the dates of its runs, has the plain name; the others are named by
their newest run's date and the head of a hash, as in `MyLoss 2026-11-25 3f2a`. No result is looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from surrogate_bench.comparison.origin import EARLIER
from surrogate_bench.comparison.run import Run
from surrogate_bench.store.run_id import LATER

Component = tuple[Any, ...]
# A revision of these is one of the protocol, and divides tables; one of the others divides rows.
OF_ROWS = ("loss", "model", "optimizer")
# Where data lie, which says less than what they hold; and what is averaged over.
PLACES = ("dataset.label", "dataset.origin", "dataset.sha256", "dataset.root")
FILES = ("dataset.test", "dataset.splits")
FOLD = "dataset.fold"
SHORTEST = 4


class Versions:
    """The versions of data, program and code among some runs."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._earlier = sum(run.origin is None for run in runs)
        # Parts of the program that have a revision above 1 somewhere, and are no component of a run's own.
        revised = {kind for run in runs if run.origin for kind, _ in run.origin.revisions}
        self._revised = sorted(revised.difference(OF_ROWS, ("dataset",)))
        self._paths: dict[Any, str] = {}
        for run in runs:
            if run.origin and run.origin.data and (path := run.config.get("dataset.path")):
                known = (run.labels["dataset"], run.origin.data)
                self._paths[known] = min(self._paths.get(known, str(path)), str(path))
        self._data = {id(run): self._described(run) for run in runs}
        self._found: dict[Component, dict[Any, list[str]]] = {}
        for run in runs:
            for component, version in (*self._protocol(run), *self._code(run)):
                self._found.setdefault(component, {}).setdefault(version, []).append(run.date)
        self._names = {component: _named(found) for component, found in self._found.items()}

    def data(self, run: Run) -> dict[str, Any]:
        """The configuration of a run's data set, without where its files lie as far as their content is recorded.

        One table in the folders of two machines is one; two tables of one name stay two.
        """
        return self._data[id(run)]

    def of_block(self, run: Run) -> str:
        """The version of a run's data and protocol: empty for the newest one."""
        if run.origin is None:
            return f"({EARLIER})" if self._earlier < len(self._runs) else ""
        return self._version(self._protocol(run))

    def of_row(self, run: Run) -> str:
        """The version of a run's loss, model and optimizer: empty for the newest one."""
        return self._version(self._code(run))

    def lines(self) -> Iterator[str]:
        """A line for each component that has several versions."""
        if 0 < self._earlier < len(self._runs):
            yield (
                f"{_runs(self._earlier)} of an {EARLIER}, which recorded neither their data nor their code, "
                f"compared apart from the {len(self._runs) - self._earlier} others"
            )
        told: dict[str, None] = {}
        for (kind, name, *_), found in self._found.items():
            if len(found) > 1:
                own = sorted(found.items(), key=lambda item: (max(item[1]), repr(item[0])))
                names = [f"{_name(version, found)} ({_runs(len(dates))})" for version, dates in own]
                told[
                    f"{kind}{f' {name!r}' if name else ''} is there in {len(found)} versions, compared apart: "
                    f"{', '.join(names[:-1])}; the newest, {names[-1]}, has the plain name"
                ] = None
        yield from told

    def _version(self, components: Iterator[tuple[Component, Any]]) -> str:
        return " ".join(dict.fromkeys(filter(None, (self._names[c][version] for c, version in components))))

    def _protocol(self, run: Run) -> Iterator[tuple[Component, Any]]:
        if run.origin is None or _is_unknown(run):
            return
        data = tuple(sorted(self.data(run).items(), key=repr))
        yield ("data set", run.labels["dataset"], data), (run.origin.data, run.origin.revision("dataset"))
        for kind in self._revised:
            yield (kind, ""), (run.origin.revision(kind),)

    def _code(self, run: Run) -> Iterator[tuple[Component, Any]]:
        loss = run.labels["loss"]
        if run.origin is None:
            if path := run.config.get("loss.path"):
                yield ("loss", loss, EARLIER), (path,)
        elif not _is_unknown(run):
            yield ("loss", loss), (run.origin.loss, run.origin.files, run.origin.made_by("loss"))
            yield ("model", run.labels["model"]), run.origin.made_by("model")
            optimizer = run.config.get("optimizer.name")
            yield ("optimizer", optimizer), run.origin.made_by("optimizer")

    def _described(self, run: Run) -> dict[str, Any]:
        own = {
            key: value
            for key, value in run.config.items()
            if key.startswith("dataset.") and key not in PLACES and LATER.get(key, ...) != value
        }
        if own.pop(FOLD, None) is not None:
            own[FOLD] = "every"
        if run.origin and run.origin.data:
            own |= {key: "given" for key in FILES if own.get(key)}
            if own.get("dataset.path"):
                own["dataset.path"] = self._paths[run.labels["dataset"], run.origin.data]
        return own


def _is_unknown(run: Run) -> bool:
    """True if a run failed before it had read its data: nothing says that it is not of the newest version."""
    return run.status == "failed" and run.origin is not None and run.origin.data is None


def _named(found: dict[Any, list[str]]) -> dict[Any, str]:
    newest = max(found, key=lambda version: (max(found[version]), repr(version)))
    return {version: "" if version == newest else _name(version, found) for version in found}


def _name(version: Any, found: dict[Any, list[str]]) -> str:
    """The date of a version's newest run, and so much of its hash as tells it from the others."""
    hashes = {own: _hash(own, found) for own in found}
    length = SHORTEST
    while len({own[:length] for own in hashes.values()}) < len(hashes):
        length += 1
    return f"{max(found[version])[:10]} {hashes[version][:length]}"


def _hash(version: Any, found: dict[Any, list[str]]) -> str:
    """The digest of the file itself where that tells all versions apart, which a person can look up; else of all."""
    digests = [own[0] for own in found]
    if len(set(digests)) == len(digests) and all(re.fullmatch(r"[0-9a-f]{16,}", str(own)) for own in digests):
        return str(version[0])
    return hashlib.sha256(repr(version).encode()).hexdigest()


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"
