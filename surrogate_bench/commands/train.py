"""The Hydra program: a configuration in, runs out, and Hydra's complaints in one line."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hydra
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from surrogate_bench.commands.preflight import Refused
from surrogate_bench.config import hints, owned, plugins
from surrogate_bench.config.anchors import limited
from surrogate_bench.config.parse import explain, read
from surrogate_bench.errors import StorageError, UserError, did_you_mean, one_line
from surrogate_bench.system import conversion
from surrogate_bench.system.paths import CONF
from surrogate_bench.system.signals import Interrupted


def run(words: list[str]) -> int:
    """Runs one job, or a sweep where Hydra's mode says so; returns the exit code.

    Raises UserError for the user's mistakes.
    """
    plugins.load()
    with limited():
        return _run(_checked(words))


def _run(words: list[str]) -> int:
    try:
        os.getcwd()
    except OSError as error:
        raise UserError("the folder that this runs in is gone: go to another one") from error
    if not (CONF / "config.yaml").is_file():
        raise UserError("the configuration files are missing from this installation: reinstall surrogate-bench")
    # Hydra would otherwise print its own account of an error and exit.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    codes: list[int] = []
    raised: list[BaseException] = []

    def job(composed: DictConfig) -> None:
        """A run alone: a launcher has its own way to a sweep's jobs."""
        try:
            from surrogate_bench.sweeps import launch as launcher

            codes.append(launcher.launch([read(composed)]).exit_code)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raised.append(error)  # raised below: on its way through Hydra it would get a line of Hydra's own

    # -m makes a sweep, whatever the mode says; Hydra shows the line of its own source that says so.
    warnings.filterwarnings("ignore", r"\s*Running Hydra app with --multirun", UserWarning)
    program = hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)
    before, sys.argv = sys.argv, ["surrogate-bench", *words]
    try:
        try:
            program()
        except Refused as refused:
            raise refused.__cause__ or refused from None
    except KeyboardInterrupt as stop:
        if isinstance(stop, Interrupted):
            _conclude()
        raise
    except Exception as error:
        ended = _has_launched()
        _conclude()
        if isinstance(error, HydraException | OmegaConfBaseException):
            raise _in_words(error, words) from error
        if isinstance(error, UserError) and isinstance(error.__cause__, OmegaConfBaseException):
            raise explain(error.__cause__, words) from error  # of a sweep, where the job has one of a word's values
        owner = plugins.owner(error)
        if isinstance(error, UserError | StorageError | BrokenPipeError) or not owner:
            raise
        reason = plugins.in_its_words(owner, error)
        if not ended:
            raise UserError(reason) from error
        print(f"error: {one_line(reason)}", file=sys.stderr)
        return 1
    finally:
        sys.argv = before
    if raised:
        raise raised[0]
    return max([*codes, _conclude()])


def _has_launched() -> bool:
    """True if any run of a sweep has ended."""
    launcher = sys.modules.get("surrogate_bench.sweeps.launch")
    return launcher is not None and launcher.has_launched()


def _conclude() -> int:
    """Ends a sweep with its table, whoever launched its jobs."""
    return sys.modules["surrogate_bench.sweeps.launch"].conclude() if _has_launched() else 0


def _checked(words: list[str]) -> list[str]:
    """The words with the options first, as Hydra's parser wants the others in one piece.

    An option that Hydra does not have is refused in one line, where its parser would print a page.
    """
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        wrong = next((w for w in words if w.startswith("-") and w in message), "")
        near = did_you_mean(wrong, [o for a in parser._actions for o in a.option_strings]) if wrong else ""
        raise UserError(message.replace("unrecognized arguments:", "unknown option") + near)

    if foreign := next((word for word in words if not word.isascii() and _is_no_text(word)), ""):
        raise UserError(f"{foreign!r} is not UTF-8: rename the file")
    if nameless := next((word for word in words if word.startswith("=")), ""):
        raise UserError(f"cannot read {nameless!r}: an override is key=value")
    _refuse_other_files(words)
    parser.error = refuse  # type: ignore[method-assign]
    given, options = parser.parse_intermixed_args(words), list(words)
    for override in given.overrides:
        options.remove(override)
    if given.experimental_rerun is not None:
        raise UserError("--experimental-rerun would run what a stored pickle says: give the words again instead")
    if given.cfg and _sweeps(given):
        how = "leave out -m" if given.multirun else "add hydra.mode=RUN"
        raise UserError(f"--cfg shows the configuration of one run: {how}")
    return options + _owned(given)


def _refuse_other_files(words: list[str]) -> None:
    """Refuses files of other programs' kinds before torch is read, which takes seconds."""
    given = {key: value.strip("'\"") for key, _, value in (word.partition("=") for word in words)}
    for key in ("path", "test"):
        file = given.get(f"dataset.{key}", "")
        if file and "dataset.root" not in given and not any(sign in file for sign in "$,()[]"):
            conversion.refuse(os.path.expanduser(file), key)


def _is_no_text(word: str) -> bool:
    """True if it has bytes that are no characters, which configurations and results cannot hold."""
    return any("\ud800" <= character <= "\udfff" for character in word)


def _sweeps(given: argparse.Namespace) -> bool:
    """True if Hydra takes these words for a sweep, by their option or by its mode, which any file may set."""
    if given.multirun:
        return True
    with _hydra(given) as program:
        return program.get_mode(given.config_name or "config", given.overrides) == RunMode.MULTIRUN


def _owned(given: argparse.Namespace) -> list[str]:
    """The words with the choices that they imply, and those that are options of one choice as Hydra can take them."""
    words = given.overrides
    own = owned.implied(words)
    if not (own or owned.asks(words)):
        return words
    with _hydra(given) as program:
        others = [word for word in words if not owned.is_option(word)]
        try:
            composed = program.compose_config(
                given.config_name or "config",
                others,
                run_mode=RunMode.MULTIRUN,
                with_log_configuration=False,
                validate_sweep_overrides=False,
            )
            # A file of words may have chosen something that has a path.
            words = words + [word for word in own if "path" not in composed[word.partition("=")[0]]]
            options = owned.Options(program.config_loader, composed.hydra.runtime.choices)
            sweeps = given.multirun or composed.hydra.mode == RunMode.MULTIRUN
            return options.marked(words) if sweeps else options.settled(words)
        except (HydraException, OmegaConfBaseException) as error:
            raise _in_words(error, words) from error


@contextlib.contextmanager
def _hydra(given: argparse.Namespace) -> Iterator[Hydra]:
    """Hydra with the configurations that these words name, before it runs."""
    path = create_config_search_path(str(CONF))
    if given.config_dir:
        path.prepend("command-line", f"file://{Path(given.config_dir).resolve()}", SearchPathQuery(provider="schema"))
    try:
        yield Hydra.create_main_hydra2("surrogate-bench", path)
    finally:
        GlobalHydra.instance().clear()


def _in_words(error: Exception, words: list[str]) -> UserError:
    """Hydra's error as one line that names the wrong word and the nearest right one."""
    cause = error.__cause__
    if isinstance(error, MissingConfigException):
        group, _, word = str(error.missing_cfg_file or "").rpartition("/")
        options = [str(option) for option in error.options or []]
        if options:
            return UserError(f"unknown {group} {word!r}{did_you_mean(word, options)}")
    if isinstance(error, OverrideParseException):
        key, _, value = str(error.override).partition("=")
        how = hints.unread(key.lstrip("+~"), value) if value else ""
        if value and not how:
            return UserError(f"cannot read {error.override!r}: values are as in 3, 1,2,3 or range(1,4)")
        return UserError(f"cannot read {error.override!r}: an override is key=value{how}")
    if isinstance(cause, OmegaConfBaseException) and isinstance(error, ConfigCompositionException):
        return explain(cause, words)
    if isinstance(error, OmegaConfBaseException):
        return explain(error, words)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("Ambiguous value"):
        word = lines[0].partition("'")[2].rstrip("'.")
        key, _, value = word.partition("=")
        return UserError(f"{lines[0].rstrip('.')}: {hints.several(key.lstrip('+'), value)}")
    if lines and lines[0].endswith("requires --multirun"):
        return UserError(f"{lines[0].removesuffix(' requires --multirun')}: add -m to sweep over its values")
    return UserError(" ".join(lines[:2]) if lines else type(error).__name__)
