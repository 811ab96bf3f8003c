"""A loss of the user's own, from a file that they name: the one place where a configuration leads to code."""

import builtins
import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from torch import nn

from surrogate_bench.errors import UserError, did_you_mean, in_words
from surrogate_bench.registry import register
from surrogate_bench.system import digests
from surrogate_bench.system import user_files as helpers
from surrogate_bench.system.isolation import undisturbed
from surrogate_bench.system.user_code import importing, source


@register("loss", "custom", family="your own", reference="yours", state="unknown", cost="unknown", threshold=None)
def custom(*, path: str, args: dict = {}) -> nn.Module:  # noqa: B006
    """A loss of your own, `loss=custom loss.path=my_loss.py:MyLoss`: a function, an nn.Module, or what returns one.

    It is called with logits [..., N] and targets [..., N] and returns [...]; `args` are its keyword arguments. One that
    has a parameter `index` gets the examples' positions in the training set too. A Module's own parameters are trained
    with the net, by the run's optimizer; those whose names it lists in `ascent = ("alpha",)` go up instead of down.
    `package.module:NAME` does as well, and the file may import what lies beside it. It runs with your rights: name only
    files that you trust. It is read once a sweep, as an import is. Raises UserError where there is no such file or
    name.
    """
    file, _, name = str(path).rpartition(":")
    if not file or not name:
        raise UserError(f"loss.path must be FILE.py:NAME or package.module:NAME, not {path!r}")
    try:
        with undisturbed():
            loss = _made(file, name, args)
    except (UserError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also sys.exit
        raise UserError(f"{path} cannot be loaded: {in_words(error)}") from error
    if not isinstance(loss, nn.Module):
        raise UserError(f"{path} gives a {type(loss).__name__}, not a torch.nn.Module")
    return loss


def takes_index(loss: nn.Module) -> bool:
    """True if a loss has a parameter `index`."""
    try:
        return "index" in inspect.signature(loss.forward).parameters
    except (TypeError, ValueError):  # it is not written in Python
        return False


class Function(nn.Module):
    """A plain function (logits, targets) as a loss."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.forward = function


def _made(file: str, name: str, args: dict[str, Any]) -> Any:
    where = source(file, "loss.path")
    helpers.watch(where)
    module_name = None if str(where) == file or file.endswith(".py") else file
    with importing(Path.cwd() if module_name else where.parent):
        module = importlib.import_module(module_name) if module_name else _run(file)
        found = getattr(module, name, None)
        if found is None:
            near = did_you_mean(name, [n for n in vars(module) if n[0] != "_"])
            raise UserError(f"{file} defines no {name!r}{near}")
        if isinstance(found, nn.Module) and not args:
            return found
        return Function(functools.partial(found, **args)) if _is_a_loss(found, args) else found(**args)


def _run(file: str) -> ModuleType:
    spec, code = _read(file, digests.counted(Path(file)))
    module = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = vars(builtins) | {"__import__": functools.partial(_imported, Path(file).parent)}
    # Data classes look their own module up.
    before = sys.modules.get(spec.name)
    sys.modules[spec.name] = module
    try:
        exec(code, vars(module))
    finally:
        if before is None:
            sys.modules.pop(spec.name, None)
        else:
            sys.modules[spec.name] = before
    return module


def _imported(folder: Path, *what: Any) -> ModuleType:
    """`__import__` for the file's own code, which may import in a function as well, long after it was loaded."""
    try:
        return builtins.__import__(*what)
    except ModuleNotFoundError:
        with importing(folder):
            return builtins.__import__(*what)


def _is_a_loss(found: Any, args: dict[str, Any]) -> bool:
    """True if it is a function that asks for logits and targets, and not for its `args` alone, as what makes one."""
    if inspect.isclass(found):
        return False
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return False
    index = {"index": None} if "index" in signature.parameters and "index" not in args else {}
    return not _binds(signature, **args) and _binds(signature, None, None, **index, **args)


def _binds(signature: inspect.Signature, *values: Any, **words: Any) -> bool:
    try:
        signature.bind(*values, **words)
    except TypeError:
        return False
    return True


@functools.cache
def _read(file: str, counted: str | None) -> tuple[ModuleSpec, CodeType]:
    """The file's code as runs were counted with it: who edits it while a sweep goes on changes no run of that sweep."""
    del counted  # another one is another sweep
    if not Path(file).is_file():
        raise UserError(f"loss.path: there is no file {file!r}")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        raise UserError(f"loss.path: {file!r} is no Python file")
    source = spec.loader.get_data(file)
    digests.check(Path(file), source)
    return spec, spec.loader.source_to_code(source, file)
