"""Training: one loop, in which a run is a population of one."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from surrogate_bench.metrics.evaluation import Measured, measure
from surrogate_bench.metrics.names import flatten, lower_is_better, tuned_metric
from surrogate_bench.training.data import PopulationData, stream_seed
from surrogate_bench.training.dead import dead_share
from surrogate_bench.training.devices import SMALL_STEP, limit_threads
from surrogate_bench.training.objective import Objective
from surrogate_bench.training.optimizers import create_optimizer
from surrogate_bench.training.population import Population
from surrogate_bench.training.starting import initial_model
from surrogate_bench.training.trained import Best, Observer, Trained

if TYPE_CHECKING:
    from surrogate_bench.config.schema import RunConfig
    from surrogate_bench.datasets import Split
    from surrogate_bench.training.resuming import Keeper


def fit(
    runs: list[RunConfig],
    splits: list[Split],
    device: torch.device,
    observe: Observer | None = None,
    keeper: Keeper | None = None,
) -> Trained:
    """Trains K runs side by side that agree on data set, model, optimizer's kind, batch size, epochs and precision."""
    one = runs[0]
    shape = splits[0].shape
    population = Population([initial_model(run, shape) for run in runs], device)
    flat = getattr(population.net, "stackable", False)
    stratify = one.trainer.batch_size if one.trainer.sampler == "stratified" else None
    data = PopulationData(splits, [run.seed for run in runs], device, flat=flat, stratify=stratify)
    # The weights of a convolution are used many times for one example.
    multiply_adds = population.flat.shape[1] * one.trainer.batch_size * (1 if flat else 100)
    seeds = [stream_seed(run.seed, "loss") for run in runs]
    objective = Objective([run.loss for run in runs], device, seeds, threaded=multiply_adds >= SMALL_STEP)
    objective.fit(data.targets("train"), torch.tensor(seeds, device=device))
    steps = one.trainer.epochs * -(-data.examples // one.trainer.batch_size)
    objective.plan(steps)
    optimizer = create_optimizer([run.optimizer for run in runs], steps=steps, device=device)
    objective.train_own([run.optimizer for run in runs], steps=steps)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=one.precision == "bf16")
    val_targets = data.targets("val")
    best = Best.of_none(population.snapshot(), torch.zeros_like(val_targets), objective.snapshot())
    threads = limit_threads(multiply_adds, device)
    trained = Trained(population, objective, data, best, [None] * len(runs), threads)
    alive = torch.ones(len(runs), dtype=torch.bool, device=device)

    first = keeper.restore(trained, optimizer, alive, observe) if keeper else 1
    for epoch in range(first, one.trainer.epochs + 1):
        began = time.perf_counter()
        population.training(True)
        total, batches = torch.zeros(len(runs), device=device), list[tuple[Tensor, Tensor, Tensor]]()
        for x, targets, index in data.epoch(one.trainer.batch_size):
            with autocast:
                logits = population(x)
            value = objective(logits, targets, index)
            gradients, by_logit, own = population.gradients(value.sum(), logits, objective.own_parameters())
            optimizer.step(population.flat, gradients)
            objective.step(own)
            batches.append((logits.detach(), targets, by_logit))
            total += value.detach() * (targets.shape[1] / data.examples)
        trained.seconds += time.perf_counter() - began

        val_logits = predict(trained, "val", autocast)
        monitor = one.trainer.monitor
        # A member that diverged must not change what is measured of the others.
        measured = measure(val_logits.nan_to_num(), val_targets, tune_for=tuned_metric(monitor), also=[monitor])
        sound = population.flat.isfinite().all(1) & total.isfinite() & val_logits.isfinite().all(1)
        alive &= sound
        score = flatten(measured)[one.trainer.monitor] * (-1 if lower_is_better(one.trainer.monitor) else 1)
        log_loss = measured["calibration"]["log_loss"]
        better = alive if one.trainer.select == "last" else best.is_beaten_by(score, log_loss) & alive
        training = {"train_loss": total.double(), "dead_gradients": dead_share(batches)}
        any_better, any_alive = _note(trained, epoch, training, measured, alive, better)
        if any_better:
            best.keep(better, score, log_loss, epoch, population.snapshot(), val_logits)
            best.losses = objective.keep(best.losses, better)
        if observe:
            observe(epoch, [records[-1] for records in trained.history])
        if keeper:
            keeper.keep(epoch, trained, optimizer, alive)
        if not any_alive:
            break

    trained.steps = steps
    population.restore(best.state)
    trained.logits = {"val": best.val_logits, "test": predict(trained, "test", autocast)}
    return trained


def predict(trained: Trained, part: str, autocast: AbstractContextManager[Any]) -> Tensor:
    """Every member's logits [K, N] on its own validation or test examples, in fp32."""
    trained.population.training(False)
    with torch.no_grad(), autocast:
        return torch.cat([trained.population(x) for x in trained.data.portions(part)], 1).float()


def _note(
    trained: Trained, epoch: int, training: dict[str, Tensor], measured: Measured, alive: Tensor, better: Tensor
) -> tuple[bool, bool]:
    """Adds a line to each member's history, up to the epoch in which it diverged.

    Returns whether any got `better` [K], and whether any is `alive` [K].
    """
    columns = training | {f"val_{name}": value for name, value in flatten(measured).items()}
    columns["val_threshold_tuned"] = measured["thresholds"]["tuned"]
    columns["val_score_threshold_tuned"] = measured["score_thresholds"]["tuned"]
    # One transfer for all values of all members: on a GPU, the one time in an epoch that it is waited for.
    rows = torch.stack([value.double() for value in (better, alive, *columns.values())], 1).tolist()
    if not trained.history:
        trained.history.extend([] for _ in rows)
    for member, (_, still, *row) in enumerate(rows):
        if trained.diverged[member] is None:
            trained.history[member].append({"epoch": epoch} | dict(zip(columns, row, strict=True)))
            if not still:
                trained.diverged[member] = epoch
    return any(row[0] for row in rows), any(row[1] for row in rows)
