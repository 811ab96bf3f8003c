"""Training: one loop, in which a run is a population of one."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from surrogate_bench.metrics.evaluation import Measured, measure, tuned_metric
from surrogate_bench.metrics.names import flatten, lower_is_better
from surrogate_bench.training.data import PopulationData, stream_seed
from surrogate_bench.training.devices import limit_threads
from surrogate_bench.training.objective import Objective
from surrogate_bench.training.optimizers import create_optimizer
from surrogate_bench.training.population import Population
from surrogate_bench.training.starting import initial_model
from surrogate_bench.training.trained import Best, Observer, Trained

if TYPE_CHECKING:
    from surrogate_bench.config.schema import RunConfig
    from surrogate_bench.datasets import Split
    from surrogate_bench.training.resuming import Keeper

# Below this, the derivative of the loss by a logit teaches nothing.
DEAD = 1e-8


def fit(
    runs: list[RunConfig],
    splits: list[Split],
    device: torch.device,
    observe: Observer | None = None,
    keeper: Keeper | None = None,
) -> Trained:
    """Trains K runs side by side that agree on data set, model, optimizer's kind, batch size, epochs and precision."""
    one = runs[0]
    shape = tuple(splits[0].x.shape[1:])
    population = Population([initial_model(run, shape) for run in runs], device)
    flat = getattr(population.net, "stackable", False)
    stratify = one.trainer.batch_size if one.trainer.sampler == "stratified" else None
    data = PopulationData(splits, [run.seed for run in runs], device, flat=flat, stratify=stratify)
    seeds = [stream_seed(run.seed, "loss") for run in runs]
    objective = Objective([run.loss for run in runs], device, seeds)
    objective.fit(data.targets("train"), torch.tensor(seeds, device=device))
    steps = one.trainer.epochs * -(-data.examples // one.trainer.batch_size)
    optimizer = create_optimizer([run.optimizer for run in runs], steps=steps, device=device)
    objective.train_own([run.optimizer for run in runs], steps=steps)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=one.precision == "bf16")
    val_targets = data.targets("val")
    nothing = torch.full((len(runs),), -torch.inf, dtype=torch.float64, device=device)
    start = population.snapshot()
    never = torch.zeros(len(runs), dtype=torch.int64, device=device)
    best = Best(nothing, never, start, torch.zeros_like(val_targets), objective.snapshot())
    # The weights of a convolution are used many times for one example.
    multiply_adds = population.flat.shape[1] * one.trainer.batch_size * (1 if flat else 100)
    threads = limit_threads(multiply_adds, device)
    trained = Trained(population, objective, data, best, [None] * len(runs), threads)
    alive = torch.ones(len(runs), dtype=torch.bool, device=device)

    first = keeper.restore(trained, optimizer, alive, observe) if keeper else 1
    for epoch in range(first, one.trainer.epochs + 1):
        began = time.perf_counter()
        population.training(True)
        total = torch.zeros(len(runs), device=device)
        for x, targets, index in data.epoch(one.trainer.batch_size):
            with autocast:
                logits = population(x)
            value = objective(logits, targets, index)
            gradients, by_logit, own = population.gradients(value.sum(), logits, objective.own_parameters())
            optimizer.step(population.flat, gradients)
            objective.step(own)
            total += value.detach() * (targets.shape[1] / data.examples)
        trained.seconds += time.perf_counter() - began

        val_logits = predict(trained, "val", autocast)
        measured = measure(val_logits, val_targets, tune_for=tuned_metric(one.trainer.monitor))
        sound = population.flat.isfinite().all(1) & total.isfinite() & val_logits.isfinite().all(1)
        alive &= sound
        score = flatten(measured)[one.trainer.monitor] * (-1 if lower_is_better(one.trainer.monitor) else 1)
        better = alive if one.trainer.select == "last" else (score > best.score) & alive
        if better.any():
            best.keep(better, score, epoch, population.snapshot(), val_logits)
            best.losses = objective.keep(best.losses, better)
        dead = (by_logit.abs() < DEAD).double().mean(1)
        _note(trained, epoch, {"train_loss": total.double(), "dead_gradients": dead}, measured, alive)
        if observe:
            observe(epoch, [records[-1] for records in trained.history])
        if keeper:
            keeper.keep(epoch, trained, optimizer, alive)
        if not alive.any():
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


def _note(trained: Trained, epoch: int, training: dict[str, Tensor], measured: Measured, alive: Tensor) -> None:
    """Adds a line to each member's history, up to the epoch in which it diverged."""
    columns = training | {f"val_{name}": value for name, value in flatten(measured).items()}
    columns["val_threshold_tuned"] = measured["thresholds"]["tuned"]
    # One transfer for all values of all members.
    rows = torch.stack([value.double() for value in columns.values()], 1).tolist()
    if not trained.history:
        trained.history.extend([] for _ in rows)
    for member, (row, still) in enumerate(zip(rows, alive.tolist(), strict=True)):
        if trained.diverged[member] is None:
            trained.history[member].append({"epoch": epoch} | dict(zip(columns, row, strict=True)))
            if not still:
                trained.diverged[member] = epoch
