"""A loss of the user's own, from a file that they name: the one place where a configuration leads to code."""

import functools
import importlib.util
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType

from torch import nn

from surrogate_bench import digests, helpers
from surrogate_bench.errors import UserError, did_you_mean, in_words
from surrogate_bench.registry import register
from surrogate_bench.surroundings import undisturbed


@register("loss", "custom", family="your own", reference="yours", state="unknown", cost="unknown", threshold=None)
def custom(*, path: str, args: dict = {}) -> nn.Module:  # noqa: B006
    """An nn.Module (or a function returning one) of your own: `loss=custom loss.path=my_loss.py:MyLoss`.

    It is called with logits [..., N] and targets [..., N] and returns [...]; `args` are its keyword arguments. The file
    runs with your rights: name only files that you trust. It is read once a sweep, as an import is. Raises UserError
    where there is no such file or name.
    """
    file, _, name = str(path).rpartition(":")
    if not file or not name:
        raise UserError(f"loss.path must be FILE.py:NAME, not {path!r}")
    try:
        with undisturbed():
            helpers.watch(Path(file))
            spec, code = _read(file, digests.counted(Path(file)))
            module = importlib.util.module_from_spec(spec)
            exec(code, vars(module))
            found = getattr(module, name, None)
            if found is None:
                near = did_you_mean(name, [n for n in vars(module) if n[0] != "_"])
                raise UserError(f"{file} defines no {name!r}{near}")
            loss = found(**args)
    except (UserError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also sys.exit
        raise UserError(f"{path} cannot be loaded: {in_words(error)}") from error
    if not isinstance(loss, nn.Module):
        raise UserError(f"{path} gives a {type(loss).__name__}, not a torch.nn.Module")
    return loss


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
