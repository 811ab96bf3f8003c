"""The code of one component: its definition and all that it uses of this package, without words and formatting."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from surrogate_bench.registry import HERE, lookup
from surrogate_bench.system import digests

ROOT = "surrogate_bench"
# Losses look these up by a name that stands in their configuration.
LOOKED_UP = {"loss": ("relaxations", "metrics.threshold", "counts")}
Name = tuple[str, str]


def code(kind: str, component: str) -> str:
    """The digest of a component's definition and of every definition of this package that it uses.

    Docstrings, comments, formatting, imports and what the registry is told do not count, and neither does the file
    that a definition stands in: another digest means that the component may compute something else.
    """
    entry = lookup(kind, component)
    return _digest(kind, entry.module, entry.attribute)


@functools.cache
def _digest(kind: str, module: str, attribute: str) -> str:
    left = [(module, attribute)]
    for place in LOOKED_UP.get(kind, ()):
        left += [(f"{ROOT}.{place}", name) for name in _definitions(f"{ROOT}.{place}")]
    found: dict[Name, str] = {}
    while left:
        name = left.pop()
        if name not in found and (part := _part(*name)):
            found[name], used = part
            left += used
    return digests.short("\n".join(sorted(found.values())).encode())


@functools.cache
def _part(module: str, name: str) -> tuple[str, list[Name]] | None:
    """A definition's text, and where the definitions stand that it names; None where there is none of this name."""
    node = _definitions(module).get(name)
    return None if node is None else (_text(node), list(_used(module, node)))


@functools.cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    return ast.parse(file.read_text(encoding="utf-8") if file else "")


@functools.cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """The definitions at a module's top, by name."""
    found: dict[str, ast.stmt] = {}
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id: node for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@functools.cache
def _imported(module: str) -> dict[str, Name]:
    """The names that a module imports from this package, also within its functions."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == ROOT
        for alias in node.names
        if node.module
    }


def _used(module: str, node: ast.stmt) -> Iterator[Name]:
    """The places of all definitions that a definition names."""
    imported = _imported(module)
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield imported.get(part.id, (module, part.id))
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in imported:
            yield ".".join(imported[part.value.id]), part.attr


def _text(node: ast.stmt) -> str:
    """A definition's tree as text, without docstrings, imports and decorators of the registry."""
    bare = ast.parse(ast.unparse(node)).body[0]
    for part in ast.walk(bare):
        if isinstance(part, ast.FunctionDef | ast.ClassDef):
            part.decorator_list = [own for own in part.decorator_list if not ast.unparse(own).startswith("register(")]
            body = part.body[1:] if ast.get_docstring(part) is not None else part.body
            part.body = [own for own in body if not isinstance(own, ast.Import | ast.ImportFrom)] or [ast.Pass()]
    return ast.dump(bare)


def _file(module: str) -> Path | None:
    """The file of a module of this package; None where the name is no module's."""
    place = HERE.joinpath(*module.split(".")[1:])
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
