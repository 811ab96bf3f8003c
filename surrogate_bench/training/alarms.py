"""Alarms: what a table's number does not say about the run behind it."""

from __future__ import annotations

from typing import Any

from surrogate_bench.metrics.names import base_name, names, point_words, split_level, threshold_text, tuned_metric

FEWEST_POSITIVES = 5
LARGE_GAP = 0.2
MOSTLY_DEAD = 0.5
HARDLY_ANY = 0.2
LARGE_FALL = 0.15
# The share of the epochs, at the end, in which nothing is predicted positive.
FOR_GOOD = 0.25


def alarms(
    metrics: dict[str, dict[str, dict[str, float]]],
    examples: dict[str, dict[str, int]],
    history: list[dict[str, float]],
    *,
    batch_size: int,
    monitor: str,
    select: str,
    best_epoch: int | None,
    diverged: int | None,
) -> list[dict[str, str]]:
    """The alarms of one run, from its stored values: `{"name", "message"}` each."""
    raised: list[dict[str, str]] = []

    def alarm(name: str, message: str) -> None:
        raised.append({"name": name, "message": message})

    if diverged is not None:
        alarm("diverged", f"a value was not finite in epoch {diverged}; what is reported is from the epochs before it")
    train = examples["train"]
    expected = train["positive"] / train["total"] * min(batch_size, train["total"])
    if expected < FEWEST_POSITIVES:
        mean = f"a batch holds {expected:.1f} positives on average, fewer than {FEWEST_POSITIVES}"
        alarm("few_positives", f"{mean}; trainer.sampler=stratified spreads them evenly")
    if best_epoch is not None:
        metric = tuned_metric(monitor)
        for name, message in _of_predictions(metrics["test"], metric if metric in names("threshold") else "f1"):
            alarm(name, message)
        for name, message in _of_history(history, best_epoch, monitor):
            alarm(name, message)
        if select == "best":
            for name, message in _of_choice(history[: diverged and diverged - 1], best_epoch, monitor):
                alarm(name, message)
        dead = history[best_epoch - 1]["dead_gradients"]
        if dead > MOSTLY_DEAD:
            alarm("dead_gradients", f"{dead:.0%} of a class is scored wrong and got no gradient in epoch {best_epoch}")
    return raised


def collapsed(history: list[dict[str, float]]) -> list[dict[str, str]]:
    """The alarm for a game of multipliers that has ended in predicting nothing."""
    nothing = [record["val_recall"] == 0 and record["val_specificity"] == 1 for record in history]
    last = next((epochs for epochs, none in enumerate(reversed(nothing)) if not none), len(nothing))
    if last < max(2, FOR_GOOD * len(history)):
        return []
    told = f"nothing is predicted positive on validation from epoch {len(history) - last + 1} to the last"
    return [{"name": "collapsed", "message": f"{told}: lower loss.rate, or ask for less"}]


def undefined(names: list[str]) -> list[dict[str, str]]:
    """The alarm for metrics whose denominator was 0 on the test examples."""
    if not names:
        return []
    return [{"name": "undefined", "message": f"the denominator is 0, so the value is set to 0: {', '.join(names)}"}]


def unreached(tuned_for: str, point: dict[str, Any] | None) -> list[dict[str, str]]:
    """The alarm for an operating point whose level no threshold reaches on validation, if the run is tuned for it."""
    if point is None or point["reached"]:
        return []
    word, level, own = point_words(tuned_for)[1], split_level(tuned_for)[1], point["val"]
    sign = "≤" if word == "fpr" else "≥"
    taken = threshold_text(point["threshold"], point["score_threshold"])
    message = f"no threshold has {word} {sign} {level:g} on validation; the one taken, {taken}, has {own['level']:.3f}"
    return [{"name": "unreached", "message": message}]


def _of_predictions(test: dict[str, dict[str, float]], metric: str) -> list[tuple[str, str]]:
    hard, soft = test["hard"], test["soft"]
    found = []
    if (hard["recall"] == 0 and hard["specificity"] == 1) or (hard["recall"] == 1 and hard["specificity"] == 0):
        side = "negative" if hard["recall"] == 0 else "positive"
        found.append(("one_class", f"every test example is predicted {side} at threshold 0.5"))
    elif hard["recall"] < HARDLY_ANY:
        found.append(
            ("low_recall", f"recall is {hard['recall']:.3f} at threshold 0.5: few sure positives, the rest given up")
        )
    elif hard["specificity"] < HARDLY_ANY:
        found.append(
            (
                "low_specificity",
                f"specificity is {hard['specificity']:.3f} at threshold 0.5: nearly all predicted positive",
            )
        )
    gap = soft[metric] - hard[metric]
    if abs(gap) > LARGE_GAP:
        found.append(("soft_hard_gap", f"soft {metric} is {soft[metric]:.3f}, hard {metric} {hard[metric]:.3f}"))
    return found


def _of_history(history: list[dict[str, float]], best_epoch: int, monitor: str) -> list[tuple[str, str]]:
    """Alarms of the epochs after the chosen one: training on gave up one class for the other."""
    best, last = history[best_epoch - 1], history[-1]
    return [
        (
            f"{rate}_falls",
            f"validation {rate} at 0.5 falls from {best[f'val_{rate}']:.3f} in epoch {best_epoch}, which {monitor} "
            f"chose, to {last[f'val_{rate}']:.3f} in the last: the loss's optimum gives it up",
        )
        for rate in ("recall", "specificity")
        if best[f"val_{rate}"] - last[f"val_{rate}"] > LARGE_FALL
    ]


def _of_choice(history: list[dict[str, float]], best_epoch: int, monitor: str) -> list[tuple[str, str]]:
    """A monitor of one value in all epochs: it chose none of them, be they all at 0 or all at its best."""
    value = history[0][f"val_{monitor}"]
    if len(history) < 2 or any(record[f"val_{monitor}"] != value for record in history):
        return []
    told = f"validation {monitor} is {value:.3f} in all {len(history)} epochs; log loss chose epoch {best_epoch}"
    return [("tied_monitor", f"{told}; {_finer_than(monitor)}")]


def _finer_than(monitor: str) -> str:
    """The monitor to take where this one tells no epoch from another."""
    if monitor in names("threshold"):
        # Recall and specificity are 1 at a threshold of their own, whatever the scores are.
        tuned = "f1_tuned" if monitor in ("recall", "specificity") else f"{monitor}_tuned"
        return f"trainer.monitor={tuned} looks at the best threshold in place of 0.5"
    if base_name(monitor) in names("threshold", "operating_point"):
        return "trainer.monitor=average_precision looks at all thresholds"
    return "trainer.monitor=log_loss looks at every score" if monitor != "log_loss" else "training changed no score"
