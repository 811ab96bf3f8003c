"""TensorBoard's files, written without torch: scalars and hyperparameters in one folder.

The usual writer puts the host's name into the file's name and hyperparameters into a second folder.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from surrogate_bench.config.identity import COSMETIC
from surrogate_bench.metrics.names import SUFFIXES, base_name, flatten, names

NAME = "events.out.tfevents.run"
_PLACE = {suffix: group.replace("hard_", "") for group, suffix in SUFFIXES.items()}


class EventFile:
    """One run's events in `folder`; an older file of the same run is replaced."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.folder = folder
        folder.mkdir(exist_ok=True)
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
        """The run's line in TensorBoard's table of hyperparameters: what it was, and what it got, as `line` has it."""
        from tensorboard.plugins.hparams import api_pb2 as api
        from tensorboard.plugins.hparams.plugin_data_pb2 import SessionEndInfo, SessionStartInfo

        flat = {key: value for key, value in _flat(config) if value is not None}
        kinds = {bool: (api.DATA_TYPE_BOOL, "bool_value"), str: (api.DATA_TYPE_STRING, "string_value")}
        columns, start = [], SessionStartInfo()
        for name, value in flat.items():
            kind, slot = kinds.get(type(value), (api.DATA_TYPE_FLOAT64, "number_value"))
            columns.append(api.HParamInfo(name=name, type=kind))
            setattr(start.hparams[name], slot, value)
        shown = [api.MetricInfo(name=api.MetricName(tag=tag(name))) for name in metrics]
        self._plugin("experiment", experiment=api.Experiment(hparam_infos=columns, metric_infos=shown))
        self._plugin("session_start_info", session_start_info=start)
        self.scalars(0, metrics)
        self._plugin("session_end_info", session_end_info=SessionEndInfo(status=api.STATUS_SUCCESS))

    def _plugin(self, name: str, **content: Any) -> None:
        """A message of TensorBoard's hyperparameter plugin, which travels as the metadata of an empty summary."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams.metadata import create_summary_metadata
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

        metadata = create_summary_metadata(HParamsPluginData(**content))
        self._write(summary=Summary(value=[Summary.Value(tag=f"_hparams_/{name}", metadata=metadata)]))

    def close(self) -> None:
        """Writes what is left and closes the file."""
        self.writer.close()

    def _write(self, **fields: Any) -> None:
        self.writer.write(self.event(wall_time=time.time(), **fields).SerializeToString())


def line(result: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """A result's configuration, without what is cosmetic, and its test metrics by their names."""
    config = {key: value for key, value in result["config"].items() if key not in COSMETIC}
    return config, {f"test_{name}": value for name, value in flatten(result["metrics"]["test"]).items()}


def tag(name: str) -> str:
    """`val_f1_soft` is drawn as `f1/val soft`, so that a metric's hard and soft curves stand side by side."""
    part, _, metric = name.partition("_")
    if part not in ("val", "test") or name.endswith("threshold_tuned"):
        return name.replace("_", "/", 1)
    base = base_name(metric)
    place = f"{part} {_PLACE[metric.removeprefix(base)]}" if base in names("threshold") else part
    return f"{base}/{place}"


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
