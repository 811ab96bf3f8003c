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
from surrogate_bench.registry import lookup
from surrogate_bench.system import digests
from surrogate_bench.system.paths import archived, locate

__all__ = ["Images", "Split", "Table", "load_source", "make_split"]

FILES = ("path", "test", "splits")


def load_source(name: str, **hyperparameters: Any) -> Table | Images:
    """The data set `name`, from memory when it was read before with the same hyperparameters.

    Raises UserError for a file or a value that it cannot use, and for a file that has changed since it was counted as
    part of a run, or was first read: what memory has no room for must not be another data set when it is read again.
    """
    files = [locate(hyperparameters, key) for key in FILES if hyperparameters.get(key)]
    content = [digests.counted(file) or digests.count(file) for file in files if file.is_file()]
    pictures = archived(lookup("dataset", name).info, hyperparameters.get("root")).values()
    content += [digests.counted(file) or "" for file in pictures]
    try:
        return _load(name, json.dumps(hyperparameters, sort_keys=True), *content)
    except MemoryError as error:
        what = str(hyperparameters.get("path") or name)
        why = f" ({error})" if str(error) else ""
        raise MemoryError(f"{what!r} does not fit{why}: a Parquet file, fewer rows or columns need less") from error


@functools.lru_cache(maxsize=4)
def _load(name: str, hyperparameters: str, *content: str) -> Table | Images:
    del content  # another one is another data set
    return lookup("dataset", name).load()(**json.loads(hyperparameters))
