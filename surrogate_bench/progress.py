"""How work goes: a live line on a terminal, plain lines in a log, and a run's numbers at its end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from surrogate_bench.config import labels
from surrogate_bench.metrics.names import base_name, names

if TYPE_CHECKING:
    from surrogate_bench.planning import Job, Plan

# A log gets a line at most so often.
EVERY_SECONDS = 2.0
RECORD = dict[str, float]


class Progress:
    """Shows a single run by its epochs and a sweep by its runs."""

    def __init__(self, planned: Plan, *, sweep: bool) -> None:
        self.console = Console()
        self.jobs, self.sweep = planned.jobs, sweep
        self.total = sum(map(len, planned.groups))
        self.counts = {"finished": 0, "diverged": 0, "failed": 0}
        self.last = 0.0
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bars = Bars(*columns, TextColumn("{task.fields[note]}"), console=self.console, transient=not sweep)
        self.live = self.console.is_terminal
        self.main = self.bars.add_task("runs" if sweep else "epochs", total=self.total if sweep else None, note="")

    def __enter__(self) -> Progress:
        if self.sweep:
            found = len(self.jobs) - self.total
            self.console.print(f"{len(self.jobs)} runs" + (f", {found} of them finished before" if found else ""))
        if self.live and self.total:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def epoch(self, jobs: list[Job], epoch: int, record: RECORD) -> None:
        """An epoch of some runs has ended."""
        run = jobs[0].run
        note = _note(record, run.trainer.monitor)
        if self.sweep:
            self.bars.update(self.main, note=escape(f"{labels(run)['loss']} epoch {epoch}/{run.trainer.epochs}"))
            return
        self.bars.update(self.main, completed=epoch, total=run.trainer.epochs, note=escape(note))
        if not self.live and (self._due() or epoch == run.trainer.epochs):
            self.console.print(f"epoch {epoch}/{run.trainer.epochs}  {note}", markup=False, highlight=False)

    def done(self, job: Job) -> None:
        """A run has its result."""
        self.counts[job.status or "failed"] += 1
        done = sum(self.counts.values())
        if self.sweep:
            self.bars.update(self.main, completed=done)
            if not self.live and (self._due() or done == self.total):
                words = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
                self.console.print(f"{done}/{self.total} runs: {words}", highlight=False)

    def _due(self) -> bool:
        if (now := time.monotonic()) - self.last < EVERY_SECONDS:
            return False
        self.last = now
        return True


def _note(record: RECORD, monitor: str) -> str:
    metric = base_name(monitor)
    parts = [f"loss {record['train_loss']:.4f}"]
    if metric in names("threshold"):
        parts += [f"val {metric} {record[f'val_{metric}']:.4f} hard, {record[f'val_{metric}_soft']:.4f} soft"]
    else:
        parts += [f"val {metric} {record[f'val_{metric}']:.4f}"]
    return "  ".join(parts)


def show_run(result: dict[str, Any], place: Path, *, found: bool) -> None:
    """One run's test metrics, hard and soft side by side, its alarms and its folder."""
    console = Console()
    if result["status"] == "failed":
        console.print(f"[bold red]failed:[/] {escape(result['reason'])}\n{escape(str(place / 'error.txt'))} says where")
        return
    config, test = result["config"], result["metrics"]["test"]
    counts = result["examples"]["test"]
    title = (
        " ".join(result["labels"].values())
        + f", seed {config['seed']}: {counts['total']} test examples, {counts['positive']} positive"
    )
    tuned = result["thresholds"]["tuned"]
    table = Table("metric", box=None, pad_edge=False)
    for heading in ("hard, p > 0.5", f"hard, p > {tuned:.3f} (tuned)", "soft"):
        table.add_column(heading, justify="right")
    for name in names("threshold"):
        table.add_row(name, *(f"{test[group][name]:.4f}" for group in ("hard", "hard_tuned", "soft")))
    table.add_section()
    for group in ("ranking", "calibration"):
        for name, value in test[group].items():
            table.add_row(name, f"{value:.4f}")
    console.print(f"[bold]{escape(title)}[/]", highlight=False, soft_wrap=True)
    console.print(table)
    seconds = result["timing"]["train_seconds"]
    console.print(
        f"best epoch {result['best_epoch']} of {result['epochs']} by validation {config['trainer']['monitor']}; "
        f"trained in {seconds:.2f} s",
        highlight=False,
    )
    for alarm in result["alarms"]:
        console.print(f"[yellow]alarm[/] {alarm['name']}: {escape(alarm['message'])}", highlight=False, soft_wrap=True)
    words = "finished before (force=true trains again): " if found else ""
    console.print(f"{words}{escape(str(place))}", highlight=False, soft_wrap=True)


def show_plan(planned: Plan, portions: list[list[list[int]]]) -> None:
    """What a sweep would do."""
    console = Console()
    todo = sum(map(len, planned.groups))
    console.print(
        f"{len(planned.jobs)} runs, {len(planned.jobs) - todo} of them finished, in {len(planned.groups)} groups"
    )
    table = Table("group", "data set", "model", "losses", "runs", "side by side", box=None, pad_edge=False)
    for i, (group, shares) in enumerate(zip(planned.groups, portions, strict=True), 1):
        named = [labels(planned.jobs[number].run) for number in group]
        losses = ", ".join(dict.fromkeys(name["loss"] for name in named))
        table.add_row(str(i), named[0]["dataset"], named[0]["model"], losses, str(len(group)), str(len(shares[0])))
    console.print(table)
