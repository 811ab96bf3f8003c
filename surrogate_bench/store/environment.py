"""Records the machine and the versions of a run, without names of hosts or users and without paths."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

PACKAGES = (
    "surrogate-bench",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "hydra-core",
    "omegaconf",
)
# Settings of torch and of the libraries that it calculates with; their values are words or numbers.
KERNELS = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_DEBUG_CPU_TYPE",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "OPENBLAS_CORETYPE",
)
SETTING = re.compile(r"[A-Za-z0-9_,+]{1,40}")


def environment() -> dict[str, Any]:
    """Versions, commit and machine, with no name of host or user and no path."""
    import torch

    return _machine() | {"threads": torch.get_num_threads()}


@functools.cache
def _machine() -> dict[str, Any]:
    import torch

    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    gpus = (
        [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": versions,
        "git": _commit(),
        "cpu": _cpu(),
        "kernels": _kernels(),
        "cores": os.cpu_count(),
        "gpus": gpus,
        "cuda": torch.version.cuda if gpus else None,
    }


def _commit() -> str | None:
    """The commit of this package's own checkout, with + where it was changed; None for an installed package."""
    home = Path(__file__).resolve().parents[2]
    if not (home / ".git").exists() or not shutil.which("git"):
        return None
    ask = functools.partial(subprocess.run, cwd=home, capture_output=True, text=True, check=False)
    commit = ask(["git", "rev-parse", "--short=12", "HEAD"]).stdout.strip()
    # Without locks: `status` writes the index anew, and one that is killed or has no room leaves its lock behind.
    return commit + ("+" if ask(["git", "--no-optional-locks", "status", "--porcelain"]).stdout.strip() else "") or None


def _kernels() -> dict[str, Any]:
    """The kernels that the CPU runs, and what in the environment chooses others: each rounds in its own way."""
    import torch

    settings = {name: os.environ[name] for name in KERNELS if SETTING.fullmatch(os.environ.get(name, ""))}
    return {"capability": torch.backends.cpu.get_cpu_capability(), "mkl": torch.backends.mkl.is_available()} | settings


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
