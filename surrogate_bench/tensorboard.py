"""TensorBoard's files, written without torch: scalars and hyperparameters in one folder.

The usual writer puts the host's name into the file's name and hyperparameters into a second folder.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from surrogate_bench.metrics.names import SUFFIXES, base_name

NAME = "events.out.tfevents.run"
_PLACE = {suffix: group.replace("hard_", "") for group, suffix in SUFFIXES.items()}


class EventFile:
    """One run's events in `folder`; an older file of the same run is replaced."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.event: Any = Event
        self.writer = RecordWriter((folder / NAME).open("wb"))
        self._write(file_version="brain.Event:2")

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """One epoch's values under the names of `metrics.jsonl`."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        points = [
            Summary.Value(tag=tag(n), simple_value=v) for n, v in values.items() if n != "epoch" and v is not None
        ]
        self._write(step=step, summary=Summary(value=points))
        self.writer.flush()

    def hyperparameters(self, config: dict[str, Any], metrics: dict[str, float]) -> None:
        """The run's line in TensorBoard's table of hyperparameters: what it was, and what it got."""
        from tensorboard.plugins.hparams import api, summary_v2

        flat = {key: value for key, value in _flat(config) if value is not None}
        columns = [api.Metric(tag=name) for name in metrics]
        self._write(summary=summary_v2.hparams_config_pb([api.HParam(name) for name in flat], columns))
        self._write(summary=summary_v2.hparams_pb(flat))
        self.scalars(0, metrics)

    def close(self) -> None:
        self.writer.close()

    def _write(self, **fields: Any) -> None:
        self.writer.write(self.event(wall_time=time.time(), **fields).SerializeToString())


def tag(name: str) -> str:
    """`val_f1_soft` is drawn as `f1/val soft`, so that a metric's hard and soft curves stand side by side."""
    part, _, metric = name.partition("_")
    if part not in ("val", "test") or name == "val_threshold_tuned":
        return name.replace("_", "/", 1)
    base = base_name(metric)
    return (
        f"{base}/{part} {_PLACE[metric.removeprefix(base)]}"
        if metric != base or base in _THRESHOLD()
        else f"{base}/{part}"
    )


def _THRESHOLD() -> list[str]:  # noqa: N802
    from surrogate_bench.metrics.names import names

    return names("threshold")


def _flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            found.extend(_flat(value, f"{prefix}{key}."))
        else:
            found.append(
                (prefix + key, value if isinstance(value, str | float | int | bool) or value is None else str(value))
            )
    return found
