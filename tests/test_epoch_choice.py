"""The epoch that a run is reported at: by the monitor, ties by log loss, and what is told where it chose none."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from surrogate_bench.cli import main
from surrogate_bench.config.parse import read
from surrogate_bench.config.schema import RunConfig, TrainerConfig
from surrogate_bench.metrics.names import lower_is_better
from surrogate_bench.store.run_id import run_id
from surrogate_bench.sweeps.plan import Splits
from surrogate_bench.system.paths import CONF
from surrogate_bench.training import Outcome, resuming, train
from surrogate_bench.training.alarms import alarms
from surrogate_bench.training.dead import dead_share
from surrogate_bench.training.objective import Objective
from surrogate_bench.training.population import Population
from surrogate_bench.training.resuming import Keeper
from surrogate_bench.training.trained import Best

CPU = torch.device("cpu")
# Few positives and little to learn: BCE calls none positive at 0.5.
FEW = ("dataset=synthetic", "dataset.size=1200", "dataset.share=0.04", "dataset.separation=0.4")
RARE = (*FEW, "trainer.epochs=6", "trainer.batch_size=240")


def run_of(*words: str) -> RunConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return read(compose("config", list(words)))


def trained(*runs: RunConfig, keeper: Keeper | None = None) -> list[Outcome]:
    splits = Splits()
    return train(list(runs), [splits.of(run) for run in runs], CPU, None, keeper)


def named(outcome: Outcome) -> dict[str, str]:
    return {alarm["name"]: alarm["message"] for alarm in outcome.result["alarms"]}


def best_of(outcome: Outcome, monitor: str) -> int:
    """The epoch of the best monitored value, among equal ones that of the lowest log loss, then the earliest."""
    sign = 1 if lower_is_better(monitor) else -1
    return min((sign * r[f"val_{monitor}"], r["val_log_loss"], int(r["epoch"])) for r in outcome.history)[2]


# As commit 855744f, whose default was f1, gave them.
IDS = {
    ("trainer.monitor=f1",): "breast_cancer-mlp-soft_f1-s0-080dd672fc",
    ("trainer.monitor=f1_tuned",): "breast_cancer-mlp-soft_f1-s0-dedb61ac3e",
    ("trainer.monitor=f1", "trainer.select=last"): "breast_cancer-mlp-soft_f1-s0-4204c8cef6",
    ("trainer.monitor=log_loss", "loss=bce"): "breast_cancer-mlp-bce-s0-854bea864e",
    ("trainer.monitor=f1", "dataset=digits", "loss=bce", "seed=3", "trainer.epochs=9"): "digits-mlp-bce-s3-9ce4ef1d17",
    ("+suite=anyloss_slp",): "breast_cancer-mlp-soft_f1-s0-b031fe5034",
    ("+suite=anyloss_leak",): "breast_cancer-mlp-soft_f1-s0-034f676532",
    ("+suite=anyloss_fair",): "breast_cancer-mlp-soft_f1-s0-c97e6b5429",
    ("+suite=ap_perf", "dataset=breast_cancer"): "breast_cancer-mlp-soft_f1-s0-aa28e5d3dc",
    ("+suite=threshold",): "breast_cancer-mlp-soft_f1-s0-495e5e688c",
}


@pytest.mark.parametrize("words", IDS)
def test_runs_and_suites_that_name_their_monitor_keep_their_ids(words: tuple[str, ...]) -> None:
    assert run_id(run_of(*words), "cpu") == IDS[words]


def test_the_default_is_the_tuned_one_by_words_and_by_python() -> None:
    assert run_of().trainer.monitor == TrainerConfig().monitor == "f1_tuned"
    assert run_id(run_of(), "cpu") == IDS["trainer.monitor=f1_tuned",]


@pytest.mark.parametrize("monitor", ["f1", "f1_tuned", "ece", "auroc"])
def test_the_monitor_chooses_and_log_loss_among_equals_for_each_member(monitor: str) -> None:
    words = (*RARE, f"trainer.monitor={monitor}")
    runs = [run_of(*words, f"loss={loss}", f"seed={seed}") for loss in ("bce", "soft_f1") for seed in (0, 1)]
    together = trained(*runs)
    assert [o.result["best_epoch"] for o in together] == [best_of(o, monitor) for o in together]
    (alone,) = trained(runs[-1])
    assert alone.result["best_epoch"] == together[-1].result["best_epoch"]


def test_a_monitor_that_is_0_in_all_epochs_leaves_the_choice_to_log_loss_and_says_so() -> None:
    (outcome,) = trained(run_of(*RARE, "loss=bce", "trainer.monitor=f1"))
    losses = [record["val_log_loss"] for record in outcome.history]
    assert {record["val_f1"] for record in outcome.history} == {0.0}
    assert outcome.result["best_epoch"] == 1 + losses.index(min(losses)) > 1
    assert named(outcome)["tied_monitor"] == (
        f"validation f1 is 0.000 in all 6 epochs; log loss chose epoch {outcome.result['best_epoch']}; "
        "trainer.monitor=f1_tuned looks at the best threshold in place of 0.5"
    )
    (followed,) = trained(run_of(*RARE, "loss=bce", "trainer.monitor=f1_tuned"))
    assert "tied_monitor" not in named(followed)
    (last,) = trained(run_of(*RARE, "loss=bce", "trainer.monitor=f1", "trainer.select=last"))
    assert "tied_monitor" not in named(last)
    assert last.result["best_epoch"] == 6
    (single,) = trained(run_of(*RARE, "loss=bce", "trainer.monitor=f1", "trainer.epochs=1"))
    assert "tied_monitor" not in named(single)


@pytest.mark.parametrize("monitor", ["f1_tuned", "log_loss", "auroc", "brier", "recall"])
def test_where_nothing_changes_the_first_epoch_is_taken(monitor: str) -> None:
    (outcome,) = trained(run_of(*RARE, "optimizer.lr=0", f"trainer.monitor={monitor}"))
    assert outcome.result["best_epoch"] == 1
    assert "tied_monitor" in named(outcome)


@pytest.mark.parametrize(
    ("monitor", "better"),
    [
        ("mcc", "trainer.monitor=mcc_tuned"),
        ("recall", "trainer.monitor=f1_tuned"),
        ("specificity", "trainer.monitor=f1_tuned"),
        ("recall_tuned", "trainer.monitor=average_precision"),
        ("recall_at_precision", "trainer.monitor=average_precision"),
        ("average_precision", "trainer.monitor=log_loss"),
        ("log_loss", "training changed no score"),
    ],
)
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_a_tied_monitor_is_told_with_what_helps(monitor: str, better: str, value: float) -> None:
    told = raised([value] * 3, monitor)["tied_monitor"]
    assert told.startswith(f"validation {monitor} is {value:.3f} in all 3 epochs; log loss chose epoch 1; {better}")
    assert "tied_monitor" not in raised([value, value, value + 0.001], monitor)


def test_epochs_after_which_a_run_diverged_count_for_no_tie() -> None:
    assert "tied_monitor" in raised([0.5, 0.5, float("nan")], "f1", diverged=3)
    assert "tied_monitor" not in raised([0.5, 0.4, 0.5], "f1", diverged=3)
    assert "tied_monitor" not in raised([0.5, 0.5], "f1", diverged=2)


def raised(values: list[float], monitor: str, diverged: int | None = None) -> dict[str, str]:
    """The alarms of a run with this curve of its monitor, which is healthy otherwise."""
    rates = {"val_recall": 0.5, "val_specificity": 0.9, "dead_gradients": 0.0}
    history = [{"epoch": e, **rates, f"val_{monitor}": value} for e, value in enumerate(values, 1)]
    test = {"recall": 0.5, "specificity": 0.9} | dict.fromkeys(("f1", "mcc"), 0.6)
    found = alarms(
        {"test": {"hard": test, "soft": test}},
        {"train": {"total": 100, "positive": 50}},
        history,
        batch_size=50,
        monitor=monitor,
        select="best",
        best_epoch=1,
        diverged=diverged,
    )
    return {alarm["name"]: alarm["message"] for alarm in found}


def test_a_tie_is_broken_across_an_interruption_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "SHARE", float("inf"))
    run = run_of(*RARE, "loss=bce", "trainer.monitor=f1")
    states: list[dict[str, Any]] = []
    (whole,) = trained(run, keeper=every_epoch(states))
    assert len(states) == 6
    for state in states[:-1]:
        (resumed,) = trained(run, keeper=Keeper(state, lambda _: None))
        assert resumed.history == whole.history
        assert resumed.result["best_epoch"] == whole.result["best_epoch"] > 1
        assert (resumed.predictions["test_logits"] == whole.predictions["test_logits"]).all()


def test_a_state_from_before_ties_were_broken_is_named_and_the_run_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "SHARE", float("inf"))
    words = [*RARE, "loss=bce", "trainer.resume=true", f"output={tmp_path}"]
    run = run_of(*words)
    states: list[dict[str, Any]] = []
    (whole,) = trained(run, keeper=every_epoch(states))
    del states[2]["best"]["log_loss"]
    place = tmp_path / "default" / run_id(run, "cpu")
    place.mkdir(parents=True)
    torch.save(states[2], place / "state.pt")
    assert main([*words, "device=cpu"]) == 0
    assert "it is of an earlier version; the run begins anew" in " ".join(capsys.readouterr().err.split())
    assert f'"best_epoch": {whole.result["best_epoch"]},' in (place / "result.json").read_text()


def every_epoch(states: list[dict[str, Any]]) -> Keeper:
    """A keeper that keeps a copy of the state of every epoch, as a file holds it."""

    def save(state: dict[str, Any]) -> None:
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        states.append(torch.load(file, weights_only=True))

    return Keeper(None, save)


def test_an_equal_score_at_a_lower_log_loss_is_better_for_each_member_on_its_own() -> None:
    best = Best.of_none({}, torch.zeros(4, 3), [])
    score, log_loss = torch.tensor([0.0, 0.5, 0.5, -0.2]).double(), torch.tensor([0.9, 0.4, 0.4, 0.2]).double()
    assert best.is_beaten_by(score, log_loss).all()
    best.keep(torch.ones(4, dtype=torch.bool), score, log_loss, 1, {}, torch.zeros(4, 3))
    after, then = torch.tensor([0.0, 0.5, 0.4, -0.1]).double(), torch.tensor([0.8, 0.4, 0.1, 0.9]).double()
    assert best.is_beaten_by(after, then).tolist() == [True, False, False, True]


def batch(logits: list[float], targets: list[int], gradients: list[float]) -> tuple[Tensor, ...]:
    return tuple(torch.tensor([each], dtype=torch.float32) for each in (logits, targets, gradients))


@pytest.mark.parametrize(
    ("batches", "share"),
    [
        ([batch([9, -9, 8, -8], [1, 0, 1, 0], [0, 0, 0, 0])], 0),  # right and saturated
        ([batch([9, -9, -8, 8], [1, 0, 1, 0], [0, 0, 0, 0])], 0.5),
        ([batch([9, -9, -8, 8], [1, 0, 1, 0], [0, 0, 0.1, 0.1])], 0),
        ([batch([-1, -9, -2, -8], [1, 0, 1, 0], [0, 0, 0, 0])], 0),  # in the right order, as a ranking loss wants it
        ([batch([-9, -9, -9, -8], [1, 0, 0, 0], [0, 0, 0, 0])], 1),  # all negative, nothing learned
        ([batch([-9, -9, -9, -8], [0, 0, 0, 0], [0, 0, 0, 0])], 0),  # no positive
        ([batch([math.nan] * 4, [1, 0, 1, 0], [math.nan] * 4)], 0),  # that is another alarm
        ([batch([-9, 9], [1, 0], [0, 0]), batch([9, -9], [1, 0], [0, 0])], 0.5),
        ([batch([9, -9], [1, 0], [0, 0]), batch([-9], [1], [0])], 0),  # a short last one
    ],
)
def test_dead_is_what_is_wrong_and_gets_no_gradient(batches: list[Any], share: float) -> None:
    assert dead_share(batches).tolist() == [share]


@pytest.mark.parametrize("batch_size", [64, 50, 240, 10_000])
def test_dead_gradients_are_those_of_an_epochs_whole_batches(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Tensor]] = []
    forward, gradients = Objective.forward, Population.gradients

    def watched_loss(self: Objective, logits: Tensor, targets: Tensor, index: Tensor) -> Tensor:
        seen.append([logits.detach().clone(), targets.clone()])
        return forward(self, logits, targets, index)

    def watched(self: Population, *of: Any) -> tuple[Tensor, Tensor, list[Tensor]]:
        found = gradients(self, *of)
        seen[-1].append(found[1].clone())
        return found

    monkeypatch.setattr(Objective, "forward", watched_loss)
    monkeypatch.setattr(Population, "gradients", watched)
    words = (*FEW, "dataset.size=1000", f"trainer.batch_size={batch_size}", "trainer.epochs=2")
    losses = ("soft_f1", "any_loss", "bce")
    outcomes = trained(*(run_of(*words, f"loss={loss}") for loss in losses))
    examples = outcomes[0].result["examples"]["train"]["total"]
    steps = -(-examples // batch_size)
    for epoch in range(2):
        own = seen[epoch * steps : (epoch + 1) * steps]
        whole = [each for each in own if each[0].shape[1] == min(batch_size, examples)]
        assert len(whole) == max(1, examples // batch_size)
        for member, outcome in enumerate(outcomes):
            rows = [row for each in whole for row in zip(*(part[member].tolist() for part in each), strict=True)]
            negatives, positives = ([z for z, y, _ in rows if y == label] for label in (0, 1))
            # Wrong: not on the own side of 0, and not beyond all of the other class.
            missed = [abs(g) < 1e-8 and z <= 0 and z <= max(negatives) for z, y, g in rows if y == 1]
            mistaken = [abs(g) < 1e-8 and z >= 0 and z >= min(positives) for z, y, g in rows if y == 0]
            expected = max(sum(missed) / len(missed), sum(mistaken) / len(mistaken))
            assert outcome.history[epoch]["dead_gradients"] == pytest.approx(expected)


@pytest.mark.parametrize("loss", ["soft_f1", "hinge", "auroc_squared_hinge"])
def test_a_net_that_has_learned_all_is_not_dead(loss: str) -> None:
    words = ("dataset=synthetic", "dataset.separation=9", "dataset.size=500", "optimizer.lr=0.1", "trainer.epochs=20")
    (outcome,) = trained(run_of(*words, f"loss={loss}"))
    assert outcome.result["metrics"]["test"]["ranking"]["auroc"] > 0.99
    assert "dead_gradients" not in named(outcome)


def test_a_short_last_batch_without_positives_is_no_dead_net() -> None:
    # 600 rows in batches of 148: the last holds eight, of which soft F1 learns nothing where all are negative.
    words = ("dataset=synthetic", "dataset.size=1000", "dataset.share=0.06", "trainer.batch_size=148")
    run = run_of(*words, "trainer.epochs=4", "loss=soft_f1")
    (outcome,) = trained(run)
    split = Splits().of(run)
    orders = torch.Generator().manual_seed(1)
    lasts = [split.y[split.train][torch.randperm(600, generator=orders)[-8:]] for _ in range(4)]
    assert any(not last.any() for last in lasts)
    assert max(record["dead_gradients"] for record in outcome.history) < 0.1
    assert "dead_gradients" not in named(outcome)


def test_a_dead_net_is_told_of_whole_batches() -> None:
    (outcome,) = trained(run_of("loss=any_loss", "loss.scale=1e6", "trainer.epochs=2", "trainer.batch_size=100"))
    epoch = outcome.result["best_epoch"]
    share = outcome.history[epoch - 1]["dead_gradients"]
    assert share > 0.5
    told = f"{share:.0%} of a class is scored wrong and got no gradient in epoch {epoch}"
    assert named(outcome)["dead_gradients"] == told


def test_the_objective_of_a_sweeper_and_the_live_line_follow_the_default(tmp_path: Path, capsys: Any) -> None:
    from surrogate_bench.store.runs import objective, read_result

    assert main([*RARE, "loss=bce", f"output={tmp_path}"]) == 0
    result = read_result(next(tmp_path.glob("*/*")))
    assert result is not None
    assert objective(result) == result["metrics"]["val"]["hard_tuned"]["f1"]
    assert objective(result) != result["metrics"]["val"]["hard"]["f1"]
    out = capsys.readouterr().out
    assert f"best epoch {result['best_epoch']} of 6 by validation f1_tuned" in out
    first = next(line for line in out.splitlines() if line.startswith("epoch 1/6"))
    assert "val f1 " in first
    assert " tuned, " in first
