"""Writes the note under a table: runs left out, of an earlier version, or made by several programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from surrogate_bench.comparison.grouping import group, grouped, listed
from surrogate_bench.comparison.origin import EARLIER, Origin
from surrogate_bench.comparison.run import Run, clean
from surrogate_bench.comparison.select import Block, Row

COMPONENTS = ("loss.name", "model.name", "optimizer.name")
NAMES = {"version": "version of the program", "torch": "version of torch"}


def remarks(block: Block) -> list[str]:
    """One sentence for each thing that a reader of a block's table must know of where its runs come from."""
    found = []
    if repeats := sum(run.repeats for row in block.rows for run in row.runs):
        found.append(f"Runs left out, since a newer one is of the same configuration and seed: {repeats}.")
    earlier = sum(run.origin is None for row in block.rows for run in row.runs)
    if earlier:
        found.append(
            f"Runs of an {EARLIER}, which recorded neither their data nor their code, so that what changed "
            f"between them is not known: {earlier}."
        )
    return found + [f"{line[:1].upper()}{line[1:]}." for line in programs(block)]


def made_of(runs: Iterable[Run], command: str | None = None) -> str:
    """A comparison's runs in a sentence: experiments, dates, versions, and the command that made it."""
    runs = list(runs)
    experiments = sorted({clean(run.config.get("experiment") or "") for run in runs} - {""})
    days = sorted(day for run in runs if (day := run.date[:10]))
    said = f"{len(runs)} run{'s' * (len(runs) != 1)}"
    if experiments:
        said += f" of {'experiment' if len(experiments) == 1 else 'experiments'} {listed(experiments)}"
    if days:
        said += f", {days[0]}" if days[0] == days[-1] else f", {days[0]} to {days[-1]}"
    for name, what in (("version", "surrogate-bench"), ("torch", "torch")):
        versions = sorted({str(own) for run in runs if run.origin and (own := getattr(run.origin, name))})
        said += f", {what} {' and '.join(versions)}" * bool(versions)
    return f"{said}. Made by: {command}" if command else f"{said}."


def programs(block: Block) -> list[str]:
    """A line for each row that mixes programs whose revisions are equal, and for what is not the same in all rows."""
    lines = [line for row in block.rows if (line := of_row(row))]
    if lines:
        return lines
    for what in ("version", "torch"):
        values = {
            row.label: ", ".join(sorted({str(getattr(run.origin, what)) for run in row.picked.values() if run.origin}))
            for row in block.rows
        }
        told = {name: own for name, own in values.items() if own}
        if len(set(told.values())) > 1:
            lines.append(f"the rows are not of one {NAMES[what]}: {grouped(told)}")
    return lines


def of_row(row: Row) -> str | None:
    """A sentence on the programs that made a row's runs, if their numbers are of several; None if of one."""
    kinds = group(row.picked.values(), lambda run: tuple(run.config.get(name) for name in COMPONENTS))
    # The sources are those that a run depends on, so that another loss or optimizer has others.
    mixed = [run for own in kinds.values() if len({_program(run.origin) for run in own}) > 1 for run in own]
    if not mixed:
        return None
    counted = Counter(_told(run.origin) for run in sorted(mixed, key=lambda run: run.date))
    told = ", ".join(f"{count} run{'s' * (count != 1)} of {program}" for program, count in counted.items())
    return f"{row.label} mixes programs that state the same revisions: {told}"


def _program(origin: Origin | None) -> tuple[str | None, ...]:
    return (origin.version, origin.sources, origin.torch) if origin else ()


def _told(origin: Origin | None) -> str:
    if origin is None:
        return EARLIER
    parts = ((origin.sources and origin.sources[:4], "sources"), (origin.torch, "torch"))
    own = ", ".join(f"{name} {value}" for value, name in parts if value)
    return f"{origin.version or 'an unnamed version'}" + (f" ({own})" if own else "")
