"""The registry: losses, metrics, relaxations, data sets, models and optimizers, by name.

A component is a class or a function with a decorator of its kind:

    @register("loss", "soft_f1", family="relaxed counts", reference="...")
    def soft_f1(*, beta: float = 1.0) -> Loss: ...

Decorator and signature are literals, so the registry reads them from the source without running it. That is why
`surrogate-bench list`, the checks of a configuration and every "did you mean" answer without importing torch, and why
a component is complete with its one definition: its hyperparameters, their types and their defaults are the
keyword-only parameters of its signature.
"""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from surrogate_bench.errors import unknown

HERE = Path(__file__).resolve().parent
WHERE = {
    "loss": "losses",
    "metric": "metrics",
    "relaxation": "relaxations.py",
    "dataset": "datasets",
    "model": "models",
    "optimizer": "training/optimizers.py",
}
# What has a revision without being a component, as the constant REVISION of a module.
PARTS = {"trainer": "training/__init__.py", "metrics": "metrics/__init__.py", "splits": "datasets/split.py"}
# What to raise where the numbers of a kind without revisions of its own change.
RAISE = {"metric": "surrogate_bench.metrics.REVISION", "relaxation": "those of the losses that use it"}
_TYPES = {kind.__name__: kind for kind in (bool, int, float, str, list, dict)} | {"None": None, "Any": Any}
T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter: its type as an object, and its default, or `...` where it must be given."""

    name: str
    type: Any
    default: Any


@dataclass(frozen=True)
class Entry:
    """One component: where its definition stands, and what its decorator says of it."""

    kind: str
    name: str
    module: str
    attribute: str
    summary: str
    info: dict[str, Any]
    parameters: tuple[Parameter, ...] = field(default=())
    revision: int = 1

    def load(self) -> Any:
        """The class or function itself; this imports its module."""
        return getattr(importlib.import_module(self.module), self.attribute)


def register(kind: str, name: str, **info: Any) -> Callable[[T], T]:
    """Makes a class or function the component `name` of its kind; `info` is data about it, all of it literals.

    `revision` is one of them, 1 where it is not said. It is raised by 1 whenever the component's numbers change on
    purpose, so that stored results are never taken for what the code computes now.
    """
    del kind, name, info  # read from the source by `entries`
    return lambda component: component


@functools.cache
def entries(kind: str) -> dict[str, Entry]:
    """Every component of a kind by name, sorted by module, then in the order of their definitions."""
    place = HERE / WHERE[kind]
    found: dict[str, Entry] = {}
    for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
        module = ".".join(("surrogate_bench", *path.relative_to(HERE).with_suffix("").parts))
        body = ast.parse(path.read_text(encoding="utf-8")).body
        classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for entry in _read(node, kind, module, classes):
                    if entry.name in found:
                        raise RuntimeError(f"two {kind} components are named {entry.name!r}")
                    found[entry.name] = entry
    return found


def lookup(kind: str, name: str) -> Entry:
    """The component `name`; an unknown name is the user's mistake and is answered with the nearest one."""
    known = entries(kind)
    if name not in known:
        raise unknown(kind, str(name), known)
    return known[name]


@functools.cache
def revision(part: str) -> int:
    """The revision of one of PARTS, read from its source: the constant REVISION."""
    for node in ast.parse((HERE / PARTS[part]).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["REVISION"]:
            return ast.literal_eval(node.value)
    raise RuntimeError(f"{PARTS[part]} has no REVISION")


def _read(
    node: ast.FunctionDef | ast.ClassDef, kind: str, module: str, classes: dict[str, ast.ClassDef]
) -> list[Entry]:
    registered = [found for decorator in node.decorator_list for found in _registered(decorator, kind)]
    if not registered:
        return []
    summary = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
    signature = node if isinstance(node, ast.FunctionDef) else _constructor(node, classes)
    parameters = _parameters(signature) if signature else ()
    return [
        Entry(kind, name, module, node.name, summary, info, parameters, _revision(kind, name, info))
        for name, info in registered
    ]


def _revision(kind: str, name: str, info: dict[str, Any]) -> int:
    """Takes the revision out of what a decorator says. Raises RuntimeError for one that nothing would heed."""
    revision = info.pop("revision", 1)
    if type(revision) is not int or revision < 1:
        raise RuntimeError(f"the revision of {kind} {name} must be a whole number from 1, not {revision!r}")
    if revision > 1 and kind in ("metric", "relaxation"):
        raise RuntimeError(f"a {kind} has no revision: raise {RAISE[kind]} instead of that of {name}")
    return revision


def _constructor(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> ast.FunctionDef | None:
    """The class's own __init__, or that of its base in the same module."""
    for definition in node.body:
        if isinstance(definition, ast.FunctionDef) and definition.name == "__init__":
            return definition
    bases = [classes[ast.unparse(base)] for base in node.bases if ast.unparse(base) in classes]
    return _constructor(bases[0], classes) if bases else None


def _registered(decorator: ast.expr, kind: str) -> list[tuple[str, dict[str, Any]]]:
    if not (isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "register"):
        return []
    own_kind, name = (ast.literal_eval(argument) for argument in decorator.args)
    info = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords if word.arg}
    return [(name, info)] if own_kind == kind else []


def _parameters(function: ast.FunctionDef) -> tuple[Parameter, ...]:
    given = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return tuple(
        Parameter(arg.arg, _type(arg.annotation), ... if default is None else ast.literal_eval(default))
        for arg, default in given
        if not arg.arg.startswith("_")
    )


def _type(annotation: ast.expr | None) -> Any:
    if annotation is None:
        return Any
    return eval(compile(ast.Expression(annotation), "<annotation>", "eval"), {"__builtins__": {}}, _TYPES)
