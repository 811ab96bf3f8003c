"""The Hydra program: a configuration in, runs out, and Hydra's complaints in one line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from surrogate_bench.checking import Refused
from surrogate_bench.config.reading import explain, read
from surrogate_bench.errors import RunFailedError, StorageError, UserError, did_you_mean, one_line
from surrogate_bench.places import CONF
from surrogate_bench.stopping import Interrupted


def run(words: list[str]) -> int:
    """Runs one job, or with -m a sweep; returns the exit code. Raises UserError for the user's mistakes."""
    words = _checked(words)
    try:
        os.getcwd()
    except OSError as error:
        raise UserError("the folder that this runs in is gone: go to another one") from error
    if not (CONF / "config.yaml").is_file():
        raise UserError("the configuration files are missing from this installation: reinstall surrogate-bench")
    # Hydra would otherwise print its own account of an error and exit.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    home = os.getpid()
    codes: list[int] = []
    raised: list[BaseException] = []

    def job(composed: DictConfig) -> float | None:
        try:
            from surrogate_bench import launcher

            sweep = launcher.launch([read(composed)])
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if os.getpid() != home:  # another process of Hydra's joblib or submitit launcher
                raise
            raised.append(error)  # raised below: on its way through Hydra it would get a line of Hydra's own
            return None
        if sweep.failed and os.getpid() != home:
            raise RunFailedError(sweep.reason)
        codes.append(sweep.exit_code)
        return sweep.objectives[0]

    program = hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)
    before, sys.argv = sys.argv, ["surrogate-bench", *words]
    try:
        try:
            program()
        except Refused as refused:
            raise refused.__cause__ or refused from None
    except (HydraException, OmegaConfBaseException) as error:
        raise _in_words(error) from error
    except RunFailedError as failed:
        print(one_line(f"failed: {failed}"))
        codes.append(1)
    except (Interrupted, StorageError):
        if _is_sweep(words):
            _after_sweep(words)
        raise
    except Exception as error:
        if isinstance(error, UserError | BrokenPipeError) or not _is_of_hydra(error):
            raise
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise UserError(f"Hydra cannot read these words: {reason}") from error
    finally:
        sys.argv = before
    if raised:
        raise raised[0]
    return max([*codes, _after_sweep(words) if _is_sweep(words) else 0], default=0)


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
    parser.error = refuse  # type: ignore[method-assign]
    given, options = parser.parse_intermixed_args(words), list(words)
    for override in given.overrides:
        options.remove(override)
    if given.experimental_rerun is not None:
        raise UserError("--experimental-rerun would run what a stored pickle says: give the words again instead")
    if _is_sweep(words) and any(word in ("--cfg", "-c") or word.startswith("--cfg=") for word in words):
        raise UserError("--cfg shows the configuration of one run: leave out -m")
    return options + given.overrides


def _is_no_text(word: str) -> bool:
    """Whether it has bytes that are no characters, which configurations and results cannot hold."""
    return any("\ud800" <= character <= "\udfff" for character in word)


def _is_sweep(words: list[str]) -> bool:
    return any(word in ("-m", "--multirun") for word in words)


def _after_sweep(words: list[str]) -> int:
    """A sweep ends with its table, whoever launched its jobs."""
    launcher = sys.modules.get("surrogate_bench.launcher")
    if launcher and launcher.has_launched():
        return launcher.conclude()
    # Hydra's joblib and its like ran the jobs in other processes, which have left their folders.
    given = {"output": "outputs", "experiment": "default"} | dict(w.split("=", 1) for w in words if "=" in w)
    folder = Path(given["output"]) / given["experiment"]
    if any(folder.glob("*/result.json")):
        from surrogate_bench.comparison import compare

        with contextlib.suppress(UserError):  # none of them has a result
            compare([folder], unequal=True)
    return 0


def _is_of_hydra(error: BaseException) -> bool:
    """Whether it was raised in Hydra's own code or its parser's, and not in ours that Hydra called."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    last = next(file for file in reversed(files) if not file.startswith("<frozen "))  # what of Python it had called
    return bool({"hydra", "omegaconf", "antlr4", "yaml"} & set(Path(last).parts))


def _in_words(error: Exception) -> UserError:
    """Hydra's error as one line that names the wrong word and the nearest right one."""
    cause = error.__cause__
    if isinstance(error, MissingConfigException):
        group, _, word = str(error.missing_cfg_file or "").rpartition("/")
        options = [str(option) for option in error.options or []]
        if options:
            return UserError(f"unknown {group} {word!r}{did_you_mean(word, options)}")
    if isinstance(error, OverrideParseException):
        key, _, value = str(error.override).partition("=")
        quoted = f"""; quote a value with signs or letters of its own, as in '{key}="{value}"'""" if value else ""
        return UserError(f"cannot read {error.override!r}: an override is key=value{quoted}")
    if isinstance(cause, OmegaConfBaseException) and isinstance(error, ConfigCompositionException):
        return explain(cause)
    if isinstance(error, OmegaConfBaseException):
        return explain(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("Ambiguous value"):
        return UserError(f"{lines[0].rstrip('.')}: add -m to sweep over its values")
    return UserError(" ".join(lines[:2]) if lines else type(error).__name__)
