"""The Hydra program: a configuration in, runs out, and Hydra's complaints in one line."""

from __future__ import annotations

import os
import sys

import hydra
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from surrogate_bench import config
from surrogate_bench.errors import UserError, did_you_mean

SWEEP = ("-m", "--multirun")


def run(words: list[str]) -> int:
    """Runs one job, or with -m a sweep; returns the exit code. Raises UserError for the user's mistakes."""
    if any(word in SWEEP for word in words) and any(word in ("--cfg", "-c") for word in words):
        raise UserError("--cfg shows the configuration of one run: leave out -m")
    # Hydra would otherwise print its own account of an error and exit.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    codes: list[int] = []

    def job(composed: DictConfig) -> float | None:
        from surrogate_bench import launcher

        sweep = launcher.launch([config.resolve(config.typed(composed))])
        codes.append(sweep.exit_code)
        return sweep.objectives[0]

    if not (config.CONF / "config.yaml").is_file():
        raise UserError("the configuration files are missing from this installation: reinstall surrogate-bench")
    program = hydra.main(version_base="1.3", config_path=str(config.CONF), config_name="config")(job)
    before, sys.argv = sys.argv, ["surrogate-bench", *words]
    try:
        program()
    except UserError:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        raise _in_words(error) from error
    finally:
        sys.argv = before
    return max([*codes, _after_sweep() if any(word in SWEEP for word in words) else 0], default=0)


def _after_sweep() -> int:
    """A sweep ends with its table, whoever launched its jobs."""
    launcher = sys.modules.get("surrogate_bench.launcher")
    return launcher.conclude() if launcher else 0


def _in_words(error: Exception) -> UserError:
    """Hydra's error as one line that names the wrong word and the nearest right one."""
    cause = error.__cause__
    if isinstance(error, MissingConfigException):
        group, _, word = str(error.missing_cfg_file or "").rpartition("/")
        options = [str(option) for option in error.options or []]
        if options:
            return UserError(f"unknown {group} {word!r}{did_you_mean(word, options)}")
    if isinstance(error, OverrideParseException):
        return UserError(f"cannot read {error.override!r}: an override is key=value")
    if isinstance(cause, OmegaConfBaseException) and isinstance(error, ConfigCompositionException):
        return config.explain(cause)
    if isinstance(error, OmegaConfBaseException):
        return config.explain(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("Ambiguous value"):
        return UserError(f"{lines[0].rstrip('.')}: add -m to sweep over its values")
    return UserError(" ".join(lines[:2]) if lines else type(error).__name__)
