"""Finds files: the YAML of all choices, and the files of data sets, built in or a user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from surrogate_bench.errors import UserError
from surrogate_bench.system import conversion

HERE = Path(__file__).resolve().parents[1]
# A wheel carries conf/ inside the package; a checkout keeps it at the root.
CONF = next((place for place in (HERE / "conf", HERE.parent / "conf") if (place / "config.yaml").is_file()), HERE)


def data_root(root: str | None) -> Path:
    """The folder of data sets: `dataset.root`, $SURROGATE_BENCH_DATA, or ~/.cache/surrogate-bench."""
    # Unlike Path's, os.path's leaves a name such as ~x.csv alone where there is no such user.
    return Path(os.path.expanduser(root or os.environ.get("SURROGATE_BENCH_DATA") or "~/.cache/surrogate-bench"))


def archived(info: dict[str, Any], root: str | None) -> dict[str, Path]:
    """The files of a data set whose `archives` are known, by name, unpacked where they are; {} where one is not there.

    `info` is what the data set says of itself.
    """
    found = {}
    for name in info.get("archives", ()):
        unpacked = data_root(root) / info["folder"] / name
        file = unpacked if unpacked.is_file() else unpacked.with_name(f"{name}.gz")
        if not file.is_file():
            return {}
        found[name] = file
    return found


def locate(dataset: dict[str, Any], key: str = "path") -> Path:
    """The file that `dataset.path` and its like mean, also where it is gzipped and they do not say so.

    Relative to `root` where there is one, for one by name, which says its `origin`, to the folder of data sets; else
    to where the program runs.
    Raises UserError, saying where to get it, for one by name that is not there, and for what is no file of a table.
    """
    word = os.path.expanduser(str(dataset[key]))
    given = Path(word)
    if not (dataset.get("origin") or dataset.get("root")):
        conversion.refuse(word, key)
        return given
    file = data_root(dataset.get("root")) / given
    for found in (file, file.with_name(f"{file.name}.gz"), file.with_suffix("") if file.suffix == ".gz" else file):
        if found.is_file():
            return found
    if not dataset.get("origin"):
        return file
    name = dataset.get("label") or given.name
    raise UserError(f"data set {name} is not here: get it from {dataset['origin']} and put it at {file}")
