"""Hydra's plugins of other packages: those that do not load are named, and whose code an error is from."""

from __future__ import annotations

import sys
import traceback
import warnings
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton

from surrogate_bench.errors import in_words, warn

# Where Hydra looks for plugins.
PACKAGE = "hydra_plugins"
HYDRA = ("hydra", "omegaconf", "antlr4", "yaml")


def load() -> None:
    """Has Hydra load its plugins; one that cannot be loaded is named, and left out whatever it raises.

    Hydra does so itself for an ImportError alone: any other error of any plugin would end every run.
    """
    if Plugins in Singleton._instances:
        return
    wrong: dict[str, str] = {}
    execute = SourceFileLoader.exec_module

    def attempt(loader: SourceFileLoader, module: ModuleType) -> None:
        try:
            execute(loader, module)
        except (Exception, SystemExit) as error:
            package, _, name = module.__name__.partition(".")
            if package != PACKAGE:
                raise
            wrong.setdefault(name.split(".")[0], in_words(error))
            raise ImportError(str(error)) from error

    SourceFileLoader.exec_module = attempt  # type: ignore[method-assign, assignment]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\s*Error importing", UserWarning)
            Plugins.instance()
    finally:
        SourceFileLoader.exec_module = execute  # type: ignore[method-assign]
    for name, reason in wrong.items():
        warn(f"Hydra's plugin {name} cannot be loaded and is left out: {reason}")


def owner(error: BaseException) -> str | None:
    """`Hydra`, or the plugin of it, in whose code an error was raised; None where that is ours.

    Of libraries that either may call, the caller counts.
    """
    ours = Path(__file__).parents[1]
    homes = [Path(str(sys.modules[name].__file__)).parent for name in HYDRA if name in sys.modules]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(ours) or file == ours.parent / PACKAGE / "surrogate_bench.py":
            return None
        if PACKAGE in file.parts:
            return Path(file.parts[file.parts.index(PACKAGE) + 1]).stem
        if any(file.is_relative_to(home) for home in homes):
            return "Hydra"
    return None


def in_its_words(whose: str, error: Exception) -> str:
    """An error of Hydra or a plugin as a line, with the right spelling of words that sweepers often stumble over."""
    if "hydra.sweeper.params" in str(error):
        return (
            "hydra.sweeper.params is for YAML files: give each parameter as a word of its own, as in seed=1,2, or "
            "for a sweeper that searches 'optimizer.lr=interval(1e-4,1e-1)'"
        )
    if whose == "Hydra":
        return f"Hydra cannot read these words: {next(iter(str(error).splitlines()), '') or type(error).__name__}"
    return f"Hydra's plugin {whose} raised {in_words(error)}"
