"""Identifies the files and folders that options name by their content, and not by where they lie."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

from surrogate_bench.registry import lookup
from surrogate_bench.system import digests
from surrogate_bench.system import user_files as helpers
from surrogate_bench.system.paths import archived
from surrogate_bench.system.user_code import source


def of_loss(loss: dict[str, Any]) -> dict[str, Any]:
    """The content of a user's own loss: its file, the modules beside it that it imports, and files among its `args`.

    Raises UserError for a file that cannot be read.
    """
    name = str(loss["path"]).rpartition(":")
    file = source(name[0], "loss.path")
    found = loss | {"path": digests.count(file) + ":" + name[2], "args": _args(loss.get("args"), file.parent)}
    beside = {own: digests.count(path) for own, path in helpers.imported(file).items()}
    return found | ({"files": beside} if beside else {})


def is_counted(dataset: dict[str, Any]) -> bool:
    """True if it consists of pictures whose files are known, which `of_pictures` sees."""
    return "archives" in lookup("dataset", dataset["name"]).info


def of_pictures(dataset: dict[str, Any]) -> str | None:
    """The digest of pictures that are not those of their publisher; None where they are, or will be downloaded."""
    info = lookup("dataset", dataset["name"]).info
    files = archived(info, dataset.get("root"))
    counted = {name: digests.count(file) for name, file in files.items()}
    if all(_published(file, info["archives"][name], counted[name]) for name, file in files.items()):
        return None
    return digests.short("".join(_unpacked(file, counted[name]) for name, file in files.items()).encode())


def _args(value: Any, home: Path) -> Any:
    """The arguments with the content of files in place of their names, which may be relative to the loss's folder."""
    if isinstance(value, dict):
        return {key: _args(item, home) for key, item in value.items()}
    if isinstance(value, list):
        return [_args(item, home) for item in value]
    named = [Path(value), home / value] if isinstance(value, str) and value else []
    file = next((path for path in named if os.path.isfile(path)), None)
    return value if file is None else digests.count(file)


@functools.cache
def _published(file: Path, md5: str, digest: str) -> bool:
    """True if a file is its publisher's archive, known by its MD5, or what the archive beside it holds."""
    del digest  # another one is another content
    archive = file if file.suffix == ".gz" else file.with_name(f"{file.name}.gz")
    if not archive.is_file():
        return False
    packed = archive.read_bytes()
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != md5:
        return False
    return file == archive or zlib.crc32(file.read_bytes()) == int.from_bytes(packed[-8:-4], "little")


@functools.cache
def _unpacked(file: Path, digest: str) -> str:
    """The digest of what a file holds when it is unpacked."""
    if file.suffix != ".gz":
        return digest
    with gzip.open(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[: digests.LENGTH]
