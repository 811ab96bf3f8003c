"""Which settings nobody reads while runs are planned, trained, stored, found, retried and resumed.

A process of its own (`python tests/settings_read.py FOLDER`), as it sweeps. Checks and copies do not count as reading.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from surrogate_bench import config
from surrogate_bench.cli import main
from surrogate_bench.config.schema import LauncherConfig, RunConfig, Settings, TrainerConfig
from surrogate_bench.store import run_id
from surrogate_bench.system.files import json_page, sealed

KINDS: dict[type, str] = {RunConfig: "", TrainerConfig: "trainer.", LauncherConfig: "launcher."}
CHECKS = (Path(config.__file__).parent, Path(run_id.__file__))


def fields(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def recording(prefix: str, names: set[str], seen: set[str]) -> Callable[[Any, str], Any]:
    """A way to read attributes that writes down which of these the program reads."""

    def get(self: Any, name: str) -> Any:
        reader = sys._getframe(1).f_code
        own = "surrogate_bench" in reader.co_filename and not {
            Path(reader.co_filename),
            Path(reader.co_filename).parent,
        } & {*CHECKS}
        if own and name in names and reader.co_name != "_shared":
            seen.add(prefix + name)
        return object.__getattribute__(self, name)

    return get


def unread(folder: Path) -> set[str]:
    """The settings that no run of several kinds reads."""
    seen: set[str] = set()
    for kind, prefix in KINDS.items():
        kind.__getattribute__ = recording(prefix, fields(kind), seen)  # type: ignore[method-assign]
    tiny = ["trainer.epochs=1", "model.hidden=[4]", f"output={folder}", "launcher.workers=1"]
    assert main(["-m", "seed=0,1", "+suite=seed_story", "loss=bce,soft_f1", *tiny]) == 0
    assert main(["trainer.resume=true", *tiny]) == 0
    failed = next(folder.glob("*/*-soft_f1-s1-*/result.json"))
    failed.write_bytes(sealed(json_page(json.loads(failed.read_bytes()) | {"status": "failed"})))
    assert main(["-m", "seed=0,1", "+suite=seed_story", "loss=soft_f1", *tiny]) == 0
    names = fields(Settings) - {"trainer", "launcher"}
    names |= {f"trainer.{name}" for name in fields(TrainerConfig)}
    names |= {f"launcher.{name}" for name in fields(LauncherConfig)}
    return names - seen


if __name__ == "__main__":
    print("not read:", sorted(unread(Path(sys.argv[1]))))
