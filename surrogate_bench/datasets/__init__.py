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

__all__ = ["Images", "Split", "Table", "load_source", "make_split"]


def load_source(name: str, **hyperparameters: Any) -> Table | Images:
    """The data set `name`, from memory when it was read before with the same hyperparameters.

    Raises UserError for a file or a value that it cannot use.
    """
    return _load(name, json.dumps(hyperparameters, sort_keys=True))


@functools.lru_cache(maxsize=4)
def _load(name: str, hyperparameters: str) -> Table | Images:
    return lookup("dataset", name).load()(**json.loads(hyperparameters))
