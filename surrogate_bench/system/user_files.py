"""Files beside a loss of the user's own that its code imports or reads: they decide its numbers as it does itself.

Most are known before anything runs, from the `import` statements. The rest is seen while the code runs: modules whose
names are made up on the way, and files that the loss opens in its own folder.
"""

from __future__ import annotations

import ast
import functools
import importlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from surrogate_bench.errors import UserError
from surrogate_bench.system import digests
from surrogate_bench.system.user_code import forget

HERE = Path(__file__).resolve().parents[1]
# Of the folder that a user's loss lies in, what is not the user's own.
_FOREIGN = (str(HERE), sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
_PACKAGES = {"site-packages", "dist-packages", "__pycache__"}
# What the code of each watched file was seen to read from its folder: names and digests, by its absolute path; and what
# Python calls that file.
_seen: dict[str, dict[str, str]] = {}
_named: dict[str, str] = {}
_imports: dict[str, dict[str, Path]] = {}


def imported(file: Path) -> dict[str, Path]:
    """The modules that a file's statements import from its own folder, and those that these import, by their names.

    A statement that is not reached counts as well. `files` goes by the latest answer. Raises OSError where the file
    cannot be read.
    """
    home, found = file.parent, dict[str, Path]()
    left = [file]
    while left:
        module = left.pop()
        for level, name in _statements(module, digests.of_file(module)):
            for path in _paths(_above(module, level) if level else home, name):
                own = os.path.relpath(path, home).replace(os.sep, "/")
                if own not in found and path != file and not own.startswith("../") and not _foreign(path, own):
                    found[own] = path
                    left.append(path)
    _imports[os.path.abspath(file)] = found = dict(sorted(found.items()))
    return found


def files(file: Path) -> dict[str, str]:
    """Digests of what a file imports or was seen to read from its folder, by name: as it was when it was read."""
    imports = _imports[os.path.abspath(file)] if os.path.abspath(file) in _imports else imported(file)
    named = {own: digests.counted(path) or digests.now(path) or "" for own, path in imports.items()}
    return dict(sorted((named | _seen.get(os.path.abspath(file), {})).items()))


def watch(file: Path) -> None:
    """From now on what the code of this file reads from its folder is seen."""
    if not _seen:
        sys.addaudithook(_look)
    _named[str(file)] = os.path.abspath(file)
    _seen.setdefault(_named[str(file)], {})
    importlib.invalidate_caches()
    sys.dont_write_bytecode = True  # the folder is not ours to leave files in


def refresh(file: Path) -> None:
    """Has what a watched file read before, and has changed since, read anew the next time."""
    before = _seen.get(os.path.abspath(file), {})
    if any(digests.now(file.parent / own) != digest for own, digest in before.items()):
        known = {os.path.realpath(file.parent / own) for own in before}
        before.clear()
        forget(known)  # all of them, as one may hold parts of another


@functools.lru_cache(maxsize=1024)
def _statements(module: Path, digest: str) -> tuple[tuple[int, str], ...]:
    """The dotted names in a module's import statements, each with the number of its leading dots."""
    del digest  # another one is another content
    try:
        tree = ast.parse(module.read_bytes())
    except (SyntaxError, ValueError, RecursionError):  # said where it is run
        return ()
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # What is imported from a package may be a module of it.
            base = f"{node.module}." if node.module else ""
            found += [(node.level, f"{base}{alias.name}") for alias in node.names]
    return tuple(dict.fromkeys(found))


def _above(module: Path, level: int) -> Path:
    """The folder that so many leading dots mean in a module."""
    return Path(os.path.normpath(module.parent.joinpath(*[".."] * (level - 1))))


def _foreign(path: Path | str, own: str) -> bool:
    """True if a file of a user's folder is of this package, Python or an installed package."""
    return os.path.realpath(path).startswith(_FOREIGN) or bool(_PACKAGES & set(own.split("/")))


def _paths(folder: Path, name: str) -> Iterator[Path]:
    """The files that importing a dotted name runs, where they lie in a folder."""
    for part in name.split("."):
        package, module = folder / part / "__init__.py", folder / f"{part}.py"
        if package.is_file():
            yield package
        elif module.is_file():
            yield module
        folder = folder / part


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    """Python tells of every file that is opened and of all code that is executed."""
    if event == "open":
        path, mode, flags = arguments
        reads = not set(mode or "") & set("wax+") and not (flags or 0) & (os.O_WRONLY | os.O_RDWR)
        if reads and isinstance(path, str | bytes | os.PathLike):
            _note(os.fsdecode(path))
    elif event == "exec" and hasattr(arguments[0], "co_filename"):
        _note(arguments[0].co_filename)


def _note(path: str) -> None:
    """Writes down a file of a watched file's folder, if it is code of that one which reads it.

    Raises UserError where it is another content than the run's identity has.
    """
    real = os.path.realpath(path)
    for watched, found in _seen.items():
        home = os.path.realpath(os.path.dirname(watched))
        if not real.startswith(home + os.sep) or real == os.path.realpath(watched):
            continue
        own = os.path.relpath(real, home).replace(os.sep, "/")
        if own in found or _foreign(real, own) or not _reads(watched):
            continue
        found[own] = ""  # this reads it too
        digest, expected = digests.now(Path(real)), digests.counted(Path(os.path.dirname(watched)) / own)
        if digest is None:
            del found[own]
        elif expected not in (None, digest):
            raise UserError(f"{path!r} has changed since it was first read")
        else:
            found[own] = digest


def _reads(watched: str) -> bool:
    """True if code of a watched file is what is being executed."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _named.get(frame.f_code.co_filename) != watched:
        frame = frame.f_back
    return frame is not None
