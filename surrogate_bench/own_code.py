"""A user's own Python: where it lies, which files beside it it needs, and how it imports them."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.machinery
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


def helpers(file: Path) -> list[Path]:
    """The files beside this one that it imports, and that these import, sorted; what else can be imported is none."""
    folder, found, left = file.resolve().parent, set[Path](), [file.resolve()]
    while left:
        for name in _imports(left.pop()):
            for own in (folder / f"{name}.py", folder / name / "__init__.py"):
                if own.is_file() and own not in found and own != file.resolve() and not _elsewhere(name):
                    inner = [own] if own.name != "__init__.py" else sorted(own.parent.rglob("*.py"))
                    found.update(inner)
                    left += inner
    return sorted(found)


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


def _lies_in(module: ModuleType, top: str, folder: Path) -> bool:
    file: Any = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return (
        bool(file)
        and Path(file).resolve().is_relative_to(folder)
        and (Path(file).resolve().relative_to(folder).parts[0] in (top, f"{top}.py"))
    )


def _elsewhere(name: str) -> bool:
    """Whether a module of this name can be imported without the folder that the program was started in."""
    path = sys.path[1:] if sys.path and sys.path[0] in ("", str(Path.cwd())) else sys.path
    return name in sys.modules or name in sys.stdlib_module_names or _spec(name, path) is not None


def _spec(name: str, path: list[str]) -> importlib.machinery.ModuleSpec | None:
    for finder in sys.meta_path:
        by_path = finder is importlib.machinery.PathFinder
        with contextlib.suppress(Exception):  # a finder of somebody's
            if spec := finder.find_spec(name, path if by_path else None):
                return spec
    return None


def _imports(file: Path) -> set[str]:
    try:
        status = file.stat()
        return _imports_of(file, status.st_mtime_ns, status.st_size)
    except OSError:
        return set()


@functools.lru_cache(maxsize=1024)
def _imports_of(file: Path, *version: int) -> set[str]:
    del version  # another one is another content
    try:
        nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (OSError, SyntaxError, ValueError):  # loading it will say so
        return set()
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain | named}
