"""Shows a run at its end, and a sweep before it begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from surrogate_bench.metrics.names import OTHERS, names, point_words, threshold_text, tuned_metric
from surrogate_bench.store.run_id import labels

if TYPE_CHECKING:
    from surrogate_bench.sweeps.plan import Plan
    from surrogate_bench.sweeps.schedule import Share

# A plan says how many losses a group has where they are more than these.
MOST_NAMED = 6


def show_run(result: dict[str, Any], place: Path, *, found: bool) -> None:
    """One run's test metrics, hard and soft side by side, its alarms and its folder."""
    console = Console(emoji=False)
    if result["status"] == "failed":
        console.print(f"[bold red]failed:[/] {escape(result['reason'])}\n{escape(str(place / 'error.txt'))} says where")
        return
    config, test = result["config"], result["metrics"]["test"]
    counts = result["examples"]["test"]
    title = (
        " ".join(result["labels"].values())
        + f", seed {config['seed']}: {counts['total']} test examples, {counts['positive']} positive"
    )
    trainer = config["trainer"]
    tuned = threshold_text(result["thresholds"]["tuned"], result.get("score_thresholds", {}).get("tuned"))
    table = Table("metric", box=None, pad_edge=False)
    for heading in ("hard, p > 0.5", f"hard, {tuned} (tuned)", "soft"):
        table.add_column(heading, justify="right")
    for name in names("threshold"):
        table.add_row(name, *(f"{test[group][name]:.4f}" for group in ("hard", "hard_tuned", "soft")))
    table.add_section()
    points = result.get("operating_points")
    for group in (group for group in OTHERS if not (points and group == "operating_point")):
        for name, value in test.get(group, {}).items():
            table.add_row(name, f"{value:.4f}")
    console.print(f"[bold]{escape(title)}[/]", highlight=False, soft_wrap=True)
    console.print(table)
    if points:
        _show_points(console, points, test["operating_point"])
    seconds = result["timing"]["train_seconds"]
    chosen = f"best epoch {result['best_epoch']} of {result['epochs']} by validation {trainer['monitor']}"
    if trainer.get("select") == "last":
        chosen = f"the last of {result['epochs']} epochs"
    console.print(
        f"{chosen}; threshold tuned for {tuned_metric(trainer['monitor'])}; trained in {seconds:.2f} s",
        highlight=False,
        soft_wrap=True,
    )
    for alarm in result["alarms"]:
        console.print(f"[yellow]alarm[/] {alarm['name']}: {escape(alarm['message'])}", highlight=False, soft_wrap=True)
    words = "finished before (force=true trains again): " if found else ""
    console.print(f"{words}{escape(str(place))}", highlight=False, soft_wrap=True)


def _show_points(console: Console, points: dict[str, Any], on_test: dict[str, float]) -> None:
    """Shows what the thresholds that reach their levels on validation give on test."""
    table = Table(box=None, pad_edge=False)
    for heading in ("operating point", "threshold"):
        table.add_column(heading, no_wrap=True)
    for heading in ("test", "level reached", "best on test"):
        table.add_column(heading, justify="right")
    for name, point in points.items():
        test, (_, word) = point["test"], point_words(name)
        chosen = threshold_text(point["threshold"], point["score_threshold"])
        chosen += "" if point["reached"] else " (missed)"
        table.add_row(name, chosen, f"{test['value']:.4f}", f"{word} {test['level']:.4f}", f"{on_test[name]:.4f}")
    console.print(table)
    note = "thresholds reach the level on validation (missed: none does); best on test is a bound, chosen on test"
    console.print(f"[dim]{note}[/]", highlight=False, soft_wrap=True)


def show_plan(planned: Plan, shares: list[Share], reading: float) -> None:
    """Shows a sweep's groups, how each would be shared out, and how long it would take after so long a reading."""
    console = Console(emoji=False)
    todo, seconds = sum(map(len, planned.groups)), reading + sum(share.seconds or 0 for share in shares)
    told = f"{len(planned.jobs)} runs, {len(planned.jobs) - todo} of them finished"
    if shares:
        plural = "s" * (len(shares) > 1)
        told += f"; the rest, in {len(shares)} group{plural}, would take about {_duration(seconds)}"
        told += f", {_duration(reading)} of it to read the data" if reading > 1 else ""
    console.print(told, highlight=False, soft_wrap=True)
    if not shares:
        return
    columns = ("group", "data set", "model", "losses", "runs", "side by side", "processes", "about")
    table = Table(*columns, box=None, pad_edge=False)
    for i, (group, share) in enumerate(zip(planned.groups, shares, strict=True), 1):
        named = [labels(planned.jobs[number].run) for number in group]
        losses = list(dict.fromkeys(name["loss"] for name in named))
        which = ", ".join(losses) if len(losses) <= MOST_NAMED else f"{len(losses)} losses"
        counts = (str(len(group)), str(len(share.portions[0])), str(share.processes), _duration(share.seconds or 0))
        table.add_row(str(i), named[0]["dataset"], named[0]["model"], which, *counts)
    console.print(table)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
