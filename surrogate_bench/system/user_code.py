"""A user's own Python: where it lies, and how it imports what lies beside it."""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from surrogate_bench.errors import UserError

# Folder by folder, the modules in it that code of the user's has imported: read once a process, as any import is.
_imported: dict[Path, dict[str, ModuleType]] = {}


def source(word: str, place: str) -> Path:
    """The file of `FILE.py` or of `package.module`, which may lie in the current folder; nothing is imported.

    Raises UserError where there is none; `place` is the option that names it.
    """
    file = Path(word)
    if file.is_file() or not all(part.isidentifier() for part in word.split(".")) or word.endswith(".py"):
        return file
    top, *rest = word.split(".")
    found = _spec(top, [str(Path.cwd()), *sys.path])
    roots = [Path(root) for root in (found.submodule_search_locations or ())] if found else []
    if found and not rest and found.origin and Path(found.origin).is_file():
        return Path(found.origin)
    for root in roots:
        for candidate in (root.joinpath(*rest).with_suffix(".py"), root.joinpath(*rest, "__init__.py")):
            if candidate.is_file():
                return candidate
    raise UserError(f"{place}: there is no file and no module {word!r}")


@contextlib.contextmanager
def importing(folder: Path) -> Iterator[None]:
    """Code that runs in here may import what lies in this folder, and gets nothing of another one's.

    What is found elsewhere comes first, so that no file takes the name of an installed package.
    """
    folder = folder.resolve()
    own = _imported.setdefault(folder, {})
    before = dict(sys.modules)
    path = list(sys.path)
    sys.modules.update(own)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = [entry for entry in sys.path if entry in path]
        for name, module in list(sys.modules.items()):
            if before.get(name) is not module and _lies_in(module, name.partition(".")[0], folder):
                own[name] = module
                del sys.modules[name]
        sys.modules.update({name: before[name] for name in own if name in before})


def forget(files: set[str]) -> None:
    """Has the modules of these files, by their real paths, imported anew the next time."""
    for modules in (sys.modules, *_imported.values()):
        for name, module in list(modules.items()):
            if (file := getattr(module, "__file__", None)) and os.path.realpath(file) in files:
                del modules[name]


def _lies_in(module: ModuleType, top: str, folder: Path) -> bool:
    file: Any = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return (
        bool(file)
        and Path(file).resolve().is_relative_to(folder)
        and (Path(file).resolve().relative_to(folder).parts[0] in (top, f"{top}.py"))
    )


def _spec(name: str, path: list[str]) -> importlib.machinery.ModuleSpec | None:
    for finder in sys.meta_path:
        by_path = finder is importlib.machinery.PathFinder
        with contextlib.suppress(Exception):  # a finder of somebody's
            if spec := finder.find_spec(name, path if by_path else None):
                return spec
    return None
