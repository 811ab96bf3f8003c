"""The run that stands for a row at each seed: the one that is best on validation, never on test."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from surrogate_bench.comparison.collect import Warn
from surrogate_bench.comparison.grouping import group, varying
from surrogate_bench.comparison.run import Run, value_text
from surrogate_bench.config.schema import RunConfig, TrainerConfig
from surrogate_bench.errors import UserError
from surrogate_bench.metrics.names import lower_is_better
from surrogate_bench.registry import lookup

# A choice for each seed says what tuning gives; one for all seeds is what papers report.
EACH, ALL = "each", "seeds"
OVER = (EACH, ALL)


def better_low(metric: str) -> bool:
    """True if a smaller value is the better one; a metric of a later version counts as better when higher."""
    return lower_is_better(metric)


def pick(runs: Sequence[Run], metric: str, over: str, where: str, warn: Warn) -> dict[int, Run]:
    """The picked run of each seed, by the validation metric `metric`.

    Ties go to the lower validation log loss, then to the smaller change from the defaults. Over all seeds the
    configuration is taken that has a result at the most seeds, and of these the one of the best mean.
    """
    tried, other = {}, []
    for seed, own in sorted(group((run for run in runs if run.test), lambda run: run.seed).items()):
        tried[seed] = _newest_parts(own)
        other += [seed] * (len(tried[seed]) < len(own))
    if other:
        warn(
            f"{where}: runs are of several splits at seed {', '.join(map(str, other))}, where validation cannot choose "
            "among them; those of the newest split count"
        )
    keys = sorted(varying(runs, ()))
    picked = _over_seeds(tried, metric, keys) if over == ALL else _for_each(tried, metric, keys)
    unjudged = [str(seed) for seed, own in tried.items() if len(own) > 1 and not any(metric in run.val for run in own)]
    if unjudged:
        warn(f"{where}: no run has the validation metric {metric} to choose by at seed {', '.join(unjudged)}")
    return picked


def _for_each(tried: dict[int, list[Run]], metric: str, keys: Sequence[str]) -> dict[int, Run]:
    picked = {}
    for seed, own in tried.items():
        judged = own if len(own) == 1 else [run for run in own if metric in run.val]
        if judged:
            picked[seed] = min(judged, key=lambda run: _order([run], metric, keys))
    return picked


def _over_seeds(tried: dict[int, list[Run]], metric: str, keys: Sequence[str]) -> dict[int, Run]:
    """The runs of one configuration, at the seeds that have it."""
    every = [run for own in tried.values() for run in own]
    alike = group(every, lambda run: tuple(value_text(run.config.get(key)) for key in keys)).values()
    judged = [own for own in alike if len(alike) == 1 or all(metric in run.val for run in own)]
    if not judged:
        return {}
    best = min(judged, key=lambda own: (-len(own), *_order(own, metric, keys)))
    return {run.seed: run for run in sorted(best, key=lambda run: run.seed)}


def _order(runs: Sequence[Run], metric: str, keys: Iterable[str]) -> tuple[float, float, float, str]:
    """The sort key of a configuration with these runs; the best configuration has the least."""
    sign = 1 if better_low(metric) else -1
    value = sign * fmean(run.val.get(metric, 0.0) for run in runs)
    log_loss = fmean(run.val.get("log_loss", math.inf) for run in runs)
    first = min(runs, key=lambda run: run.seed)
    return value, log_loss, sum(_change(first, key) for key in keys), str(sorted(first.config.items(), key=str))


def _change(run: Run, key: str) -> float:
    """How far a value is from its default: by ratio for numbers above 0, else 1 for another one."""
    value, default = run.config.get(key), default_of(run, key)
    if value == default:
        return 0.0
    numbers = [v for v in (value, default) if isinstance(v, int | float) and not isinstance(v, bool) and v > 0]
    return abs(math.log(numbers[0] / numbers[1])) if len(numbers) == 2 else 1.0


def default_of(run: Run, key: str) -> Any:
    """The default of a configuration's key; None where nobody knows it."""
    kind, _, name = key.partition(".")
    if kind == "trainer" or not name:
        known = dataclasses.fields(TrainerConfig if name else RunConfig)
        return next((own.default for own in known if own.name == (name or kind)), None)
    try:
        parameters = lookup(kind, str(run.config.get(f"{kind}.name"))).parameters
    except (UserError, KeyError):  # of another version, or of a user's own
        return None
    return next((own.default for own in parameters if own.name == name), None)


def _newest_parts(runs: list[Run]) -> list[Run]:
    """The runs of one seed that were split as the newest of them, as far as that is recorded."""
    newest = max(runs, key=lambda run: (run.date, str(run.folder))).parts
    return [run for run in runs if run.parts == newest]
