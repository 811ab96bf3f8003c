"""One configuration, run twice: on two machines or devices, into two folders, or before and after a file changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence

from surrogate_bench.comparison.collect import NAMED, Warn
from surrogate_bench.comparison.grouping import NO_CHOICE, group
from surrogate_bench.comparison.run import Run
from surrogate_bench.comparison.versions import FILES, FOLD, PLACES
from surrogate_bench.store.run_id import LATER

# A path says less than the content that a result records.
PATHS = {"dataset.path", "loss.path", *FILES}
IGNORED = (NO_CHOICE - {"seed", FOLD}).union(PLACES)


def once(runs: Sequence[Run], warn: Warn) -> list[Run]:
    """Each configuration and seed once: the newest run counts by its date, a failed one only where no other is there.

    Of runs of one date the last by its folder's name counts. Runs are of one configuration where no more differs than
    where files lie, the device, and how the sweep was carried out; those that record their content are so only with the
    same content. No result decides which one counts: choosing the better of two attempts would be another choice that
    validation makes. Of an earlier version's runs whose ids differ the content did too, and which belong together is
    not recorded: the newest counts there as well, by the time of its file.
    """
    kept: list[Run] = []
    again: list[Run] = []
    changed: list[Run] = []
    for alike in group(runs, _same).values():
        if len(alike) == 1:
            kept += alike
            continue
        newest = max(alike, key=lambda run: (run.status != "failed", run.date, str(run.folder)))
        kept.append(dataclasses.replace(newest, repeats=len(alike) - 1))
        for run in alike:
            if run is not newest:
                other = run.origin is None and run.folder.name != newest.folder.name
                (changed if other else again).append(run)
    if again:
        warn(
            f"left out {_counted(again)} of a configuration and seed that is there again, in another folder or of "
            f"another device; the newest one counts, by its date and not by its result. Left out: {_listed(again)}"
        )
    if changed:
        warn(
            f"left out {_counted(changed)} of an earlier version that have a newer one of the same configuration and "
            "seed beside them, but under another id: a file's content changed, or the device. Which content a run had "
            f"is not recorded there, so the newest one counts, by its file's time. Left out: {_listed(changed)}"
        )
    return kept


def _same(run: Run) -> Hashable:
    """The key that two runs of one configuration share, and of one content where it is recorded."""
    origin = run.origin
    ignored = IGNORED if origin is None else IGNORED | PATHS
    config = frozenset(
        (key, value)
        for key, value in run.config.items()
        if key not in ignored and not key.startswith("launcher.") and LATER.get(key, ...) != value
    )
    content = origin and (origin.data, run.parts, origin.loss, origin.files, origin.revisions)
    return *run.labels.values(), run.seed, content, config


def _counted(runs: list[Run]) -> str:
    return f"{len(runs)} run{'s' * (len(runs) != 1)}"


def _listed(runs: list[Run]) -> str:
    folders = sorted(str(run.folder) for run in runs)
    return ", ".join(folders[:NAMED]) + (f" and {len(folders) - NAMED} more" if len(folders) > NAMED else "")
