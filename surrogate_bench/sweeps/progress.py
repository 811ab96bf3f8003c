"""How work goes while it goes: a live screen on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from surrogate_bench.metrics.names import base_name, lower_is_better, names
from surrogate_bench.store.run_id import labels
from surrogate_bench.sweeps.pace import Pace

if TYPE_CHECKING:
    from surrogate_bench.sweeps.plan import Job, Plan

# A log gets a line at most so often.
EVERY_SECONDS = 5.0
STATUSES = ("finished", "diverged", "failed")
Record = dict[str, float]


class Progress:
    """Shows a single run by its epochs, and a sweep by its runs and by what each loss has come to."""

    def __init__(self, planned: Plan, *, sweep: bool) -> None:
        self.console = Console(emoji=False)
        self.planned, self.sweep = planned, sweep
        self.total = sum(map(len, planned.groups))
        self.counts: Counter[str] = Counter()
        self.losses = {labels(planned.jobs[i].run)["loss"]: Counter[str]() for g in planned.groups for i in g}
        self.best: dict[str, float] = {}
        self.last = time.monotonic()
        self.pace = Pace([planned.jobs[i] for group in planned.groups for i in group])
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bars = Bars(*columns, _Left(self.pace), TextColumn("{task.fields[note]}"), console=self.console)
        self.main = self.bars.add_task("runs" if sweep else "epochs", total=self.total if sweep else None, note="")
        for job in (planned.jobs[i] for group in planned.groups for i in group):
            self.losses[labels(job.run)["loss"]]["total"] += 1
        self.live = Live(console=self.console, get_renderable=self._screen, transient=True, refresh_per_second=4)
        self.on_terminal = self.console.is_terminal and bool(self.total)

    def __enter__(self) -> Progress:
        if self.sweep:
            found = len(self.planned.jobs) - self.total
            count = len(self.planned.jobs)
            self.console.print(f"{count} run{'s' * (count != 1)}" + (f", {found} finished before" if found else ""))
        if self.on_terminal:
            self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.on_terminal:
            self.live.stop()
        if kind and self.sweep and issubclass(kind, KeyboardInterrupt | OSError):
            done = f"{self.counts.total()} of {self.total} runs have their result"
            self.console.print(f"stopped: {done}; the same command goes on from there", highlight=False)

    def epoch(self, jobs: list[Job], epoch: int, record: Record) -> None:
        """An epoch of some runs has ended."""
        run = jobs[0].run
        self.pace.epoch(jobs, epoch)
        if self.sweep:
            note = f"{labels(run)['loss']} epoch {epoch}/{run.trainer.epochs}, {len(jobs)} side by side"
            self.bars.update(self.main, note=escape(note))
            if not self.on_terminal and self._due():
                self.console.print(self._line(self.counts.total()), markup=False, highlight=False, soft_wrap=True)
            return
        note = _note(record, run.trainer.monitor)
        self.bars.update(self.main, completed=epoch, total=run.trainer.epochs, note=escape(note))
        if not self.on_terminal and (self._due() or epoch in (1, run.trainer.epochs)):
            self.console.print(f"epoch {epoch}/{run.trainer.epochs}  {note}", markup=False, highlight=False)

    def done(self, job: Job) -> None:
        """A run has its result."""
        status, loss = job.status or "failed", labels(job.run)["loss"]
        self.pace.done(job)
        self.counts[status] += 1
        self.losses[loss][status] += 1
        if job.value is not None:
            pick = min if lower_is_better(job.run.trainer.monitor) else max
            self.best[loss] = pick(job.value, self.best.get(loss, job.value))
        if self.sweep:
            done = self.counts.total()
            self.bars.update(self.main, completed=done)
            if not self.on_terminal and (self._due() or done == self.total):
                self.console.print(self._line(done), markup=False, highlight=False, soft_wrap=True)

    def waiting(self, count: int) -> None:
        """Another process is at so many of the runs."""
        words = f"{count} run{'s are' if count > 1 else ' is'} being trained by another process: waiting for"
        self.console.print(f"{words} {'them' if count > 1 else 'it'}", highlight=False)

    def _line(self, done: int) -> str:
        words = ", ".join(f"{self.counts[status]} {status}" for status in STATUSES if self.counts[status])
        left = self.pace.left() if done < self.total else None
        told = [words] * bool(words) + ([] if left is None else [f"about {left:.0f} s left"])
        return f"{done}/{self.total} runs: {', '.join(told) or 'the first are being trained'}"

    def _screen(self) -> Group:
        """The bar, and in a sweep a line for each loss."""
        if not self.sweep:
            return Group(self.bars)
        monitor = self.planned.jobs[0].run.trainer.monitor
        table = Table("loss", "runs", "diverged", "failed", f"best validation {monitor}", box=None, pad_edge=False)
        for loss, counts in self.losses.items():
            done = sum(counts[status] for status in STATUSES)
            best = f"{self.best[loss]:.4f}" if loss in self.best else ""
            cells = (f"{done}/{counts['total']}", *(str(counts[s] or "") for s in STATUSES[1:]), best)
            table.add_row(escape(loss), *cells)
        return Group(table, self.bars)

    def _due(self) -> bool:
        if (now := time.monotonic()) - self.last < EVERY_SECONDS:
            return False
        self.last = now
        return True


class _Left(ProgressColumn):
    """The time left, by epochs."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self.pace = pace

    def render(self, _: Task) -> Text:
        left = self.pace.left()
        return Text("" if left is None else f"{timedelta(seconds=round(left))} left", style="progress.remaining")


def _note(record: Record, monitor: str) -> str:
    metric = base_name(monitor)
    parts = [f"loss {record['train_loss']:.4f}"]
    if metric in names("threshold"):
        hard, view = (f"val_{metric}_tuned", "tuned") if monitor.endswith("_tuned") else (f"val_{metric}", "hard")
        parts += [f"val {metric} {record[hard]:.4f} {view}, {record[f'val_{metric}_soft']:.4f} soft"]
    else:
        parts += [f"val {metric} {record[f'val_{metric}']:.4f}"]
    return "  ".join(parts)
