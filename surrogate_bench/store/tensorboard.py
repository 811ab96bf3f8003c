"""TensorBoard's files, written without torch: scalars and hyperparameters in one folder.

The usual writer puts the host's name into the file's name and hyperparameters into a second folder.
"""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

from surrogate_bench.metrics.names import SUFFIXES, base_name, flatten, names
from surrogate_bench.store.run_id import COSMETIC
from surrogate_bench.system.folders import without_folders

NAME = "events.out.tfevents.run"
WHEREABOUTS = ("path", "test", "splits", "root", "origin", "sha256", "name")
_PLACE = {suffix: group.replace("hard_", "") for group, suffix in SUFFIXES.items()}


class EventFile:
    """One run's events in `folder`; an older file of the same run is replaced. Raises OSError where it is a link."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.folder = folder
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "its tensorboard/ is a link to another folder", str(folder))
        (folder / NAME).unlink(missing_ok=True)
        self.event: Any = Event
        self.writer = RecordWriter((folder / NAME).open("xb"))  # x: through no link
        self._write(file_version="brain.Event:2")

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """One epoch's values under the names of `metrics.jsonl`."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        points = [
            Summary.Value(tag=tag(n), simple_value=v) for n, v in values.items() if n != "epoch" and v is not None
        ]
        self._write(step=step, summary=Summary(value=points))
        self.writer.flush()

    def hyperparameters(self, result: dict[str, Any]) -> None:
        """The run's line in TensorBoard's table of hyperparameters: what it was, and its test metrics.

        TensorBoard itself joins the hyperparameters of all runs, those that vary first, where no run says which ones
        there are. A data set has its label, as in tables: where its files are is no choice. The metrics stand at the
        step of the epoch that they are of; an untrained net's are left out.
        """
        from tensorboard.plugins.hparams import api_pb2 as api
        from tensorboard.plugins.hparams.plugin_data_pb2 import SessionEndInfo, SessionStartInfo

        config = {key: value for key, value in result["config"].items() if key not in COSMETIC}
        dataset = {key: value for key, value in config["dataset"].items() if key not in WHEREABOUTS}
        label = result.get("labels", {}).get("dataset", config["dataset"]["name"])
        config["dataset"] = dataset | {"label": label}
        place = self.folder.resolve().parent
        start = SessionStartInfo(group_name=f"{place.parent.name}/{place.name}")  # by which the table names the run
        slots = {bool: "bool_value", str: "string_value"}
        asked = result["config"].get("from_environment", {})
        for name, value in ((name, asked.get(name, value)) for name, value in _flat(config)):
            if value is not None:
                setattr(start.hparams[name], slots.get(type(value), "number_value"), value)
        self._plugin("session_start_info", session_start_info=start)
        epoch = result["best_epoch"]
        if epoch is not None:
            self.scalars(epoch, _test(result))
        status = api.STATUS_SUCCESS if result["diverged_epoch"] is None else api.STATUS_FAILURE
        self._plugin("session_end_info", session_end_info=SessionEndInfo(status=status))

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


def tag(name: str) -> str:
    """`val_f1_soft` is drawn as `f1/val soft`, so that a metric's hard and soft curves stand side by side.

    Test values, one point each, have a part of their own behind the curves: `test/f1 soft`.
    """
    part, _, metric = name.partition("_")
    if part not in ("val", "test") or name.endswith("threshold_tuned"):
        return name.replace("_", "/", 1)
    base = base_name(metric)
    kind = f" {_PLACE[metric.removeprefix(base)]}" if base in names("threshold") else ""
    return f"test/{base}{kind}" if part == "test" else f"{base}/{part}{kind}"


def _test(result: dict[str, Any]) -> dict[str, float]:
    """A result's test metrics by their names, without those at the threshold that is best on test: a mere bound."""
    groups = {group: values for group, values in result["metrics"]["test"].items() if group != "hard_oracle"}
    return {f"test_{name}": value for name, value in flatten(groups).items()}


def _flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            found.extend(_flat(value, f"{prefix}{key}."))
        else:
            plain = value is None or isinstance(value, float | int | bool)
            found.append((prefix + key, value if plain else without_folders(str(value))))
    return found
