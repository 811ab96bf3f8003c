"""Hard metrics, soft metrics, ranking and calibration, all of them from logits and one sort."""

from surrogate_bench.metrics.names import flat_names, flatten, lower_is_better

__all__ = ["evaluate", "flat_names", "flatten", "lower_is_better"]

# Raised by 1 whenever the numbers that come of metrics change on purpose: older results are then stale.
REVISION = 1


def __getattr__(name: str) -> object:
    if name == "evaluate":  # needs torch, which the names do without
        from surrogate_bench.metrics.evaluation import evaluate

        return evaluate
    raise AttributeError(name)
