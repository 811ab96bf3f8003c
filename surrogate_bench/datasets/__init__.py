"""Data sets by name: a source is read once a process, and split by seed for each run.

A data set is a function in this package, decorated with `@register("dataset", name, reference=...)`, that returns a
`Table` or `Images`, and one YAML under conf/dataset.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from surrogate_bench.datasets.source import Images, Table
from surrogate_bench.datasets.split import Split, make_split
from surrogate_bench.errors import UserError
from surrogate_bench.places import locate
from surrogate_bench.registry import lookup

__all__ = ["Images", "Split", "Table", "load_source", "make_split"]

FILES = ("path", "test", "splits")
# Of files when they were first read: what memory has no room for must not be another data set when it is read again.
_versions: dict[str, list[tuple[int, int]]] = {}


def load_source(name: str, **hyperparameters: Any) -> Table | Images:
    """The data set `name`, from memory when it was read before with the same hyperparameters.

    Raises UserError for a file or a value that it cannot use.
    """
    return _load(name, json.dumps(hyperparameters, sort_keys=True))


@functools.lru_cache(maxsize=4)
def _load(name: str, hyperparameters: str) -> Table | Images:
    given = json.loads(hyperparameters)
    files = [locate(given, key) for key in FILES if given.get(key)]
    versions = [(stat.st_mtime_ns, stat.st_size) for stat in (file.stat() for file in files if file.exists())]
    source = lookup("dataset", name).load()(**given)
    if versions != _versions.setdefault(hyperparameters, versions):
        raise UserError(f"{files[0]} or a file that belongs to it has changed since it was first read")
    return source
