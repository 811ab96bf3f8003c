"""The three lines that a comparison opens with: their numbers are those of the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.verdict import Verdict, verdict

Write = Callable[..., Path]


def said(outputs: Path, *metrics: str) -> Verdict:
    return verdict(prepare(outputs, metrics=metrics or None, warn=lambda _: None))


def fill(write: Write, *, monitor: str = "f1_tuned", datasets: tuple[str, ...] = ("d0",), seeds: int = 8) -> None:
    """Dice has the best F1, and gives up AUROC for it; of 37 positives it finds 80 % at a precision of .5."""
    for d, dataset in enumerate(datasets):
        for seed in range(seeds):
            for loss, gain in (("bce", 0.0), ("dice", 0.1)):
                test = {
                    "f1": 0.5 + gain + seed / 100,
                    "f1_tuned": 0.6 + gain + seed / 100,
                    "auroc": 0.9 - gain + d / 50,
                }
                test |= {"log_loss": 0.3 + gain, "average_precision": 0.7 + gain / 100, "ece": 0.1}
                test |= {"recall_tuned": 0.8, "precision_tuned": 0.5}
                thresholds = {"thresholds": {"default": 0.5, "tuned": 0.3 + seed / 100}}
                write(dataset=dataset, loss=loss, seed=seed, test=test, trainer__monitor=monitor, result=thresholds)


def test_the_three_lines_of_one_data_set(fake_run: Write, outputs: Path) -> None:
    fill(fake_run)
    told = said(outputs)
    assert [asked for asked, _ in told.answers] == ["Which loss for F1?", "With what decision?", "At what cost?"]
    assert told.which.startswith(
        "On d0 with mlp, dice has the highest test F1 at the tuned threshold: 0.735 ± 0.024 over 8 seeds. Its paired "
        "difference to bce is +0.100 (95 % interval +0.100 to +0.100) over 8 re-splits of this table, more than chance"
    )
    assert told.decision == (
        "Decide at the threshold tuned on validation (a probability of 0.33, 0.30 to 0.37 over seeds): F1 is 0.735 "
        "there and 0.635 at 0.5. Of 37 positives in a test part 30 are found, and 30 others are taken for positives."
    )
    assert (
        told.cost
        == "Against bce, dice has worse AUROC (−0.100) and log loss (+0.100) and better average precision (+0.001)."
    )


def test_the_three_lines_of_several_data_sets(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, datasets=tuple(f"d{d}" for d in range(8)), seeds=2)
    comparison = prepare(outputs, warn=lambda _: None)
    told = verdict(comparison)
    (ranking,) = comparison.rankings()
    assert told.which.startswith(
        "Over 8 data sets with mlp, dice has the best average rank by test F1 at the tuned threshold: 1.00 of 2, "
        "bce 2.00. Its median difference to bce is +0.100 (95 % interval +0.100 to +0.100), more than chance explains "
        f"(Holm-corrected p = {ranking.rows[0].p_holm:.2g}). Of 1 other row 1 is better than bce and 0 worse beyond "
        "chance."
    )
    assert told.decision == (
        "Decide at the threshold tuned on validation: F1 is 0.705 there and 0.605 at 0.5 over 8 data sets."
    )
    assert told.cost.startswith("Against bce, dice has worse AUROC (−0.100) and log loss (+0.100)")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("auroc", "AUROC is of the order of scores alone, so it needs no threshold."),
        ("log_loss", "Log loss is of the probabilities themselves, so it needs no threshold."),
    ],
)
def test_what_needs_no_threshold(fake_run: Write, outputs: Path, metric: str, expected: str) -> None:
    fill(fake_run, monitor=metric)
    told = said(outputs, metric)
    assert told.decision == expected
    # Bce is the best by both, so there is no other row whose cost were to be told.
    assert told.cost == ""


def test_the_time_of_a_loss_is_told_where_it_was_measured(fake_run: Write, outputs: Path) -> None:
    for loss, f1, time in (("bce", 0.5, 50), ("dice", 0.6, 150), ("focal", 0.4, None)):
        timing = {"train_seconds": 1.0} | ({} if time is None else {"loss_microseconds": time})
        fake_run(loss=loss, test={"f1": f1}, result={"timing": timing})
    assert said(outputs, "f1").cost.endswith("dice's loss takes 3.0 times as long as bce's on a batch (150 µs).")
    fake_run(loss="dice", test={"f1": 0.7}, result={"timing": {"loss_microseconds": 24.0}})
    assert said(outputs, "f1").cost.endswith("dice's loss takes 48% of the time of bce's on a batch (24 µs).")
    fake_run(loss="focal", test={"f1": 0.9}, result={"timing": {"train_seconds": 9.0}})
    assert "times as long" not in said(outputs, "f1").cost


def test_without_what_the_lines_are_of(fake_run: Write, outputs: Path) -> None:
    for seed in range(3):
        for loss in ("bce", "dice"):
            missing = {"auroc": None, "recall_tuned": None, "log_loss": None, "average_precision": None, "ece": None}
            fake_run(loss=loss, seed=seed, trainer__monitor="f1_tuned", test=missing, result={"thresholds": {}})
    told = said(outputs)
    assert told.decision.startswith("Decide at")
    assert "probability" not in told.decision
    assert told.cost == ""


def test_the_cost_does_not_depend_on_what_is_shown(fake_run: Write, outputs: Path) -> None:
    fill(fake_run)
    assert said(outputs, "f1").cost == said(outputs).cost != ""


def test_a_soft_metric_has_no_decision(fake_run: Write, outputs: Path) -> None:
    fill(fake_run)
    told = said(outputs, "f1_soft")
    assert told.question == "Which loss for F1 on soft counts?"
    assert "needs no threshold, and does not say how good a decision is" in told.decision
    fill(fake_run, datasets=("d1",))
    (table,) = prepare(outputs, metrics=["f1_soft"], warn=lambda _: None).tables("datasets")
    assert "Soft is on sums of probabilities" in table.note


def test_of_rows_that_share_the_best_value_the_one_decided_for_is_named(fake_run: Write, outputs: Path) -> None:
    for loss, f1 in (("bce", 0.5), ("dice", 0.6), ("focal", 0.6)):
        fake_run(loss=loss, test={"f1_tuned": f1, "f1": 0.4}, trainer__monitor="f1_tuned")
    assert said(outputs, "f1_tuned").decision.startswith("With dice, decide at the threshold tuned on validation")
    fake_run(loss="focal", test={"f1_tuned": 0.7, "f1": 0.4}, trainer__monitor="f1_tuned", seed=0)
    assert said(outputs, "f1_tuned").decision.startswith("Decide at the threshold tuned on validation")


def test_an_operating_point_is_named_with_its_level(fake_run: Write, outputs: Path) -> None:
    point = {
        "precision_at_recall@0.8": {"threshold": 0.3, "score_threshold": -0.8, "test": {"value": 0.5, "level": 0.7}}
    }
    for dataset in ("d0", "d1"):
        for loss in ("bce", "dice"):
            fake_run(
                dataset=dataset,
                loss=loss,
                trainer__monitor="precision_at_recall@0.8",
                result={"operating_points": point},
            )
    told = said(outputs, "precision_at_recall@0.8")
    assert told.question == "Which loss for precision at recall@0.8?"
    assert "at the tuned threshold" in told.which
    assert told.decision == (
        "With bce, decide at the threshold that reaches the level on validation, which reaches 0.700 on test: "
        "precision at recall@0.8 is 0.500 over 2 data sets."
    )


def test_folds_are_called_folds(fake_run: Write, outputs: Path) -> None:
    for loss, gain in (("bce", 0.0), ("dice", 0.1)):
        for fold in range(6):
            thresholds = {"thresholds": {"tuned": 0.3 + fold / 50}}
            test = {"f1_tuned": 0.5 + gain + fold / 100, "f1": 0.4}
            fake_run(
                loss=loss,
                dataset__fold=fold,
                dataset__folds=6,
                test=test,
                trainer__monitor="f1_tuned",
                result=thresholds,
            )
    comparison = prepare(outputs, metrics=["f1_tuned"], warn=lambda _: None)
    assert "0.30 to 0.40 over folds)" in verdict(comparison).decision
    (table,) = comparison.tables("differences")
    assert "Row minus bce at n common folds." in table.note


def test_one_row_is_not_called_the_best(fake_run: Write, outputs: Path) -> None:
    fake_run(loss="dice", test={"f1": 0.5})
    assert said(outputs, "f1").which == (
        "On breast_cancer with mlp, dice is the only row: its test F1 at threshold 0.5 is 0.500 over 1 seed."
    )
