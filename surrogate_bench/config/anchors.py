"""YAML whose anchors stand for more than anybody writes: a few lines that would fill the memory, or a day."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import yaml
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigSource

from surrogate_bench.errors import UserError

MOST_VALUES = 100_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Inside, a YAML file that Hydra loads is refused with a UserError where its anchors make too much of it."""
    kind: Any = SourcesRegistry.instance().resolve("file")
    load = kind.load_config

    def checked(source: ConfigSource, config_path: str) -> Any:
        check(os.path.join(source.path, source._normalize_file_name(config_path)))
        return load(source, config_path)

    kind.load_config = checked
    try:
        yield
    finally:
        kind.load_config = load


def check(file: str) -> None:
    """Raises UserError where the file's values, each anchor written out wherever it is named, are too many.

    What cannot be read, or is no YAML, is left to Hydra, which has its own words for it.
    """
    try:
        with open(file, "rb") as stream:
            text = stream.read()
        if b"*" not in text:
            return
        root = yaml.compose(text, Loader=_LOADER)
    except (OSError, yaml.YAMLError, RecursionError):
        return
    if root is not None and _values(root, {}) > MOST_VALUES:
        raise UserError(f"{file!r}: its anchors stand for more than {MOST_VALUES:,} values: write out what is meant")


def _values(node: yaml.Node, known: dict[int, float]) -> float:
    """How many values a node stands for; endless where it contains itself."""
    if id(node) not in known:
        known[id(node)] = float("inf")
        own = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for item in own for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]
