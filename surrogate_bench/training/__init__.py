"""Training runs side by side, and what each of them leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_bench.config.schema import as_stored
from surrogate_bench.metrics.names import GROUPS, tuned_metric
from surrogate_bench.registry import lookup
from surrogate_bench.system.isolation import undisturbed

if TYPE_CHECKING:
    import torch

    from surrogate_bench.config.schema import RunConfig
    from surrogate_bench.datasets import Split
    from surrogate_bench.training.resuming import Keeper
    from surrogate_bench.training.trained import Observer, Record, Trained

__all__ = ["Outcome", "train"]

# Raised by 1 whenever the numbers that come of training change on purpose: older results are then stale.
REVISION = 1


@dataclass
class Outcome:
    """Everything that one run leaves, ready to be stored."""

    config: RunConfig
    status: str
    reason: str | None
    result: dict[str, Any]
    history: list[Record]
    predictions: dict[str, np.ndarray]
    checkpoint: dict[str, torch.Tensor]


def train(
    runs: list[RunConfig],
    splits: list[Split],
    device: torch.device,
    observe: Observer | None = None,
    keeper: Keeper | None = None,
) -> list[Outcome]:
    """Trains K runs that can share a population (`sweeps.plan`), each on its own split; one outcome a run.

    What a run gets depends on its own configuration alone. `observe(epoch, records)` hears of every epoch;
    `keeper` holds the state that an unfinished training goes on from.
    Raises ValueError where a hyperparameter is out of its range.
    """
    import torch

    from surrogate_bench.metrics.evaluation import measure
    from surrogate_bench.metrics.points import decide, run_points
    from surrogate_bench.training import alarms
    from surrogate_bench.training.cost import loss_microseconds
    from surrogate_bench.training.devices import determinism
    from surrogate_bench.training.loop import fit
    from surrogate_bench.training.starting import start_alarms

    threads = torch.get_num_threads()
    try:
        with undisturbed(), determinism(runs[0].deterministic, device):
            trained = fit(runs, splits, device, observe, keeper)
    finally:
        torch.set_num_threads(threads)
    monitor = runs[0].trainer.monitor
    tuned_for = tuned_metric(monitor)
    targets = {part: trained.data.targets(part) for part in ("train", "val", "test")}
    parts = {part: (trained.logits[part], targets[part]) for part in ("val", "test")}
    val = measure(*parts["val"], tune_for=tuned_for, also=[monitor])
    tuned = val["score_thresholds"]["tuned"]
    test = measure(*parts["test"], tuned=tuned, tune_for=tuned_for, also=[monitor])
    measured = {"val": _lists(val), "test": _lists(test)}
    points = decide(run_points(tuned_for), **parts)
    arrays = {
        f"{part}_{kind}": values.cpu().float().numpy()
        for part in ("val", "test")
        for kind, values in (("logits", trained.logits[part]), ("targets", targets[part]))
    }
    positive = {part: values.sum(1).long().tolist() for part, values in targets.items()}
    best_epochs, outcomes = trained.best.epoch.tolist(), []
    for k, run in enumerate(runs):
        best, diverged = best_epochs[k] or None, trained.diverged[k]
        result = _result(run, k, measured, best, diverged, trained.history[k])
        result["operating_points"] = points[k]
        result["examples"] = {
            part: {"total": values.shape[1], "positive": positive[part][k]} for part, values in targets.items()
        }
        result["batches"] = _batches(trained, len(trained.history[k]), run.trainer.batch_size, k)
        seconds = trained.seconds / len(runs)
        speed = trained.data.examples * len(trained.history[k]) / seconds if seconds else 0.0
        result["timing"] = {"train_seconds": seconds, "steps": trained.steps, "examples_per_second": speed}
        result["timing"] |= {"side_by_side": len(runs), "threads": trained.threads}
        batch = min(run.trainer.batch_size, trained.data.examples)
        alone = loss_microseconds(json.dumps(run.loss, sort_keys=True, default=str), batch, str(device))
        result["timing"] |= {} if alone is None else {"loss_microseconds": alone}
        _alarm(result, run, trained.history[k], measured["test"]["undefined"], k, diverged)
        result["alarms"] += alarms.unreached(tuned_for, points[k].get(tuned_for)) if best else []
        result["alarms"] += [*splits[k].remarks, *start_alarms(run)]
        predictions = {name: values[k] for name, values in arrays.items()}
        checkpoint = trained.population.state_dict(trained.best.state, k)
        loss_state = trained.objective.state_dict_of(trained.best.losses, k)
        checkpoint |= {f"loss.{name}": value for name, value in loss_state.items()}
        reason = None if diverged is None else f"a value was not finite in epoch {diverged}"
        status = "finished" if diverged is None else "diverged"
        outcomes.append(Outcome(run, status, reason, result, trained.history[k], predictions, checkpoint))
    return outcomes


Lists = dict[str, dict[str, list[Any]]]


def _lists(measured: dict[str, dict[str, torch.Tensor]]) -> Lists:
    return {group: {name: v.tolist() for name, v in values.items()} for group, values in measured.items()}


def _result(
    run: RunConfig, k: int, measured: dict[str, Lists], best: int | None, diverged: int | None, history: list[Record]
) -> dict[str, Any]:
    return {
        "config": as_stored(run),
        "best_epoch": best,
        "diverged_epoch": diverged,
        "epochs": len(history),
        **{
            group: {name: values[k] for name, values in measured["test"][group].items()}
            for group in ("thresholds", "score_thresholds")
        },
        "metrics": {
            part: {group: {name: values[k] for name, values in own[group].items()} for group in GROUPS if group in own}
            for part, own in measured.items()
        },
    }


def _batches(trained: Trained, epochs: int, batch_size: int, k: int) -> dict[str, int]:
    """How many batches a run was trained on, and how many of them had no positive, in the orders that were drawn."""
    without = sum(int(counts[k]) for counts in trained.data.without_positives[:epochs])
    return {"total": epochs * -(-trained.data.examples // batch_size), "without_positives": without}


def _alarm(
    result: dict[str, Any],
    run: RunConfig,
    history: list[Record],
    undefined: dict[str, list[bool]],
    k: int,
    diverged: int | None,
) -> None:
    from surrogate_bench.training import alarms

    result["alarms"] = alarms.alarms(
        result["metrics"],
        result["examples"],
        history,
        batch_size=run.trainer.batch_size,
        monitor=run.trainer.monitor,
        select=run.trainer.select,
        best_epoch=result["best_epoch"],
        diverged=diverged,
    ) + alarms.undefined([name for name, values in undefined.items() if values[k]])
    if lookup("loss", run.loss["name"]).info["family"] == "operating points":
        result["alarms"] += alarms.collapsed(history[: diverged and diverged - 1])
