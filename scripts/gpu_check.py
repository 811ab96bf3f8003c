"""Checks on a machine with a GPU that runs and sweeps work there, every loss's numbers, and a step's time.

    python scripts/gpu_check.py            # two to four minutes; on a machine without a GPU: --device cpu

No part needs a network or another part: one that fails says why, and the next begins. The pictures are scikit-learn's
digits, 8 x 8, written as files of MNIST's format.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

from surrogate_bench.losses import create_loss, list_losses, loss_info  # noqa: E402
from surrogate_bench.metrics.evaluation import measure  # noqa: E402
from surrogate_bench.models import create_model  # noqa: E402
from surrogate_bench.training.objective import Objective  # noqa: E402
from surrogate_bench.training.optimizers import create_optimizer  # noqa: E402
from surrogate_bench.training.population import Population  # noqa: E402

LIMIT = 80
PROBLEMS, EXAMPLES, STEPS = 4, 256, 3
LOSSES = [name for name in list_losses() if name != "custom"]


def command(*words: str, device: str, folder: Path) -> tuple[float, str]:
    """Runs the program; returns its seconds and its last lines. Raises RuntimeError where it fails."""
    own = [sys.executable, "-m", "surrogate_bench", *words, f"device={device}", f"output={folder}"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "COLUMNS": "150"}
    began = time.perf_counter()
    done = subprocess.run(own, cwd=HOME, env=environment, timeout=LIMIT, text=True, capture_output=True)
    told = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode:
        raise RuntimeError("\n".join([f"exit code {done.returncode}", *told[-15:]]))
    return time.perf_counter() - began, "\n".join(told[-12:])


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("result.json"))]


def main_command(device: str, folder: Path) -> None:
    seconds, told = command("loss=soft_precision", device=device, folder=folder / "main")
    print(told)
    (result,) = results(folder / "main")
    print(f"{seconds:.1f} s, of which training {result['timing']['train_seconds']:.2f} s")


def sweep(device: str, folder: Path, *width: str) -> None:
    place, data = folder / f"sweep{len(width)}", digits(folder)
    words = ["dataset=mnist", f"dataset.root={data}", "model=cnn", "loss=soft_f1", "seed=range(8)", "trainer.epochs=3"]
    seconds, told = command("-m", *words, *width, device=device, folder=place)
    found = results(place)
    side = sorted({result["timing"]["side_by_side"] for result in found})
    auroc = [result["metrics"]["test"]["ranking"]["auroc"] for result in found]
    print(told)
    print(f"{len(found)} runs in {seconds:.1f} s, {side} side by side, AUROC {min(auroc):.3f} to {max(auroc):.3f}")


def digits(folder: Path) -> Path:
    """scikit-learn's digits in files of MNIST's format."""
    from sklearn.datasets import load_digits

    place = folder / "data" / "MNIST" / "raw"
    place.mkdir(parents=True, exist_ok=True)
    pictures, labels = load_digits(return_X_y=True)
    pixels = (pictures.reshape(-1, 8, 8) * 15).astype(np.uint8)
    for part, rows in (("train", slice(0, 1500)), ("t10k", slice(1500, None))):
        for kind, values in (("images-idx3", pixels[rows]), ("labels-idx1", labels[rows].astype(np.uint8))):
            head = struct.pack(f">2xBB{values.ndim}I", 8, values.ndim, *values.shape)
            (place / f"{part}-{kind}-ubyte").write_bytes(head + values.tobytes())
    return folder / "data"


def batches(dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        index = torch.stack([torch.randperm(2 * EXAMPLES, generator=generator)[:EXAMPLES] for _ in range(PROBLEMS)])
        yield torch.randn(PROBLEMS, EXAMPLES, generator=generator).to(dtype), (index % 5 == 0).to(dtype), index


def fitted(name: str, device: str) -> torch.nn.Module:
    loss = create_loss(name).to(device)
    loss.seed(torch.arange(PROBLEMS, device=device))
    loss.fit((torch.arange(2 * EXAMPLES, device=device) % 5 == 0).float().expand(PROBLEMS, -1))
    return loss


def curve(name: str, device: str, dtype: torch.dtype, *, watched: bool = False) -> list[Tensor]:
    """Values and gradients of some steps; `watched`, waiting for the GPU in one of them is an error."""
    loss, found = fitted(name, device), []
    for z, y, index in batches(dtype):
        logits, targets = z.to(device).requires_grad_(), y.to(device)
        words = {"index": index.to(device)} if loss_info(name).needs_index else {}
        with no_waiting() if watched and found else never():
            value = loss(logits, targets, **words)
            (gradient,) = torch.autograd.grad(value.sum(), logits)
        found += [value.detach(), gradient]
    return [each.double().cpu() for each in found]


@contextmanager
def never() -> Iterator[None]:
    yield


@contextmanager
def no_waiting() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def all_losses(device: str, folder: Path) -> None:  # noqa: ARG001
    worst: dict[str, float] = {}
    for name in LOSSES:
        try:
            for dtype in (torch.float64, torch.float32):
                pairs = zip(curve(name, device, dtype), curve(name, "cpu", dtype), strict=True)
                gaps = [float((a - b).abs().max() / b.abs().max().clamp_min(1e-9)) for a, b in pairs]
                worst[f"{name} {str(dtype)[11:]}"] = max(gaps)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0]}")
    for kind in ("64", "32"):
        own = {name: gap for name, gap in worst.items() if name.endswith(kind)}
        far = sorted(own, key=own.__getitem__, reverse=True)[:5]
        print(f"float{kind}: {len(own)} losses; furthest from the CPU: " + ", ".join(f"{n} {own[n]:.1e}" for n in far))


def waits(device: str, folder: Path) -> None:  # noqa: ARG001
    waiting = {}
    for name in LOSSES:
        try:
            curve(name, device, torch.float32, watched=device != "cpu")
        except RuntimeError as error:
            waiting[name] = str(error).splitlines()[0]
    print(f"{len(waiting)} of {len(LOSSES)} losses wait for the GPU in a step: {waiting}")
    logits = torch.randn(8, 1000, device=device)
    targets = (torch.rand_like(logits) < 0.2).float()
    measure(logits, targets)
    if device != "cpu":
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            measure(logits, targets)
            torch.cuda.set_sync_debug_mode("default")
        places = [f"{Path(each.filename).name}:{each.lineno}" for each in caught if "synchron" in str(each.message)]
        print(f"an evaluation waits {len(places)} times: {places}")
    print(f"an evaluation of 8 x 1000: {1e3 * seconds(lambda: measure(logits, targets), device, 20):.2f} ms")


def seconds(action: Callable[[], object], device: str, times: int) -> float:
    """Seconds a call, the least of five turns."""
    found = []
    for _ in range(6):
        wait(device)
        began = time.perf_counter()
        for _ in range(times):
            action()
        wait(device)
        found.append((time.perf_counter() - began) / times)
    return min(found[1:])


def wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def stepping(width: int, loss: str, device: str) -> tuple[Callable[[], None], Population]:
    """A training step of as many MLPs on one batch, and the population that it moves."""
    place = torch.device(device)
    population = Population([create_model("mlp", (30,), seed=seed) for seed in range(width)], place)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(width, EXAMPLES, 30, generator=generator).to(place)
    index = torch.arange(EXAMPLES, device=place).expand(width, -1)
    targets = (index % 5 == 0).float()
    seeds = list(range(width))
    objective = Objective([{"name": loss}] * width, place, seeds)
    objective.fit(targets, torch.tensor(seeds, device=place))
    optimizer = create_optimizer([{"name": "sgd", "lr": 0.01, "weight_decay": 0.0}] * width, steps=1000, device=place)

    def step() -> None:
        logits = population(x)
        gradients, *_ = population.gradients(objective(logits, targets, index).sum(), logits)
        optimizer.step(population.flat, gradients)

    return step, population


def captured(step: Callable[[], None]) -> torch.cuda.CUDAGraph:
    """The step as a CUDA graph; it has been done three times by then."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph


def step_times(device: str, folder: Path) -> None:  # noqa: ARG001
    for width in (1, 64):
        step, _ = stepping(width, "soft_f1", device)
        step()
        eager = seconds(step, device, 50)
        line = f"mlp, K = {width:2}, soft_f1, sgd: {1e6 * eager:7.0f} us a step"
        if device != "cpu":
            graph = captured(step)
            replayed = seconds(graph.replay, device, 50)
            line += f", {1e6 * replayed:7.0f} us as a graph, {eager / replayed:.1f} times faster"
        print(line)


def graphs(device: str, folder: Path) -> None:  # noqa: ARG001
    if device == "cpu":
        return
    failed, other = {}, {}
    for name in LOSSES:
        try:
            step, moved = stepping(2, name, device)
            twin, alone = stepping(2, name, device)
            graph = captured(step)
            for _ in range(5):
                graph.replay()
            for _ in range(8):
                twin()
            torch.cuda.synchronize()
            if not torch.allclose(moved.flat, alone.flat, rtol=1e-4, atol=1e-6):
                other[name] = f"{float((moved.flat - alone.flat).abs().max()):.1e}"
        except Exception as error:
            failed[name] = str(error).splitlines()[0][:90]
    print(f"{len(LOSSES) - len(failed)} of {len(LOSSES)} losses can be captured; not {failed}")
    print(f"of them, after 5 replays elsewhere than after 5 steps more: {other}")


def main() -> int:
    """Every part in its turn, and at last a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    device = parser.parse_args().device
    parts: dict[str, Callable[[str, Path], None]] = {
        "every loss, GPU and CPU": all_losses,
        "waits": waits,
        "step time": step_times,
        "main command": main_command,
        "sweep of 8 CNNs, width 8": lambda device, folder: sweep(device, folder, "launcher.width=8"),
        "sweep of 8 CNNs, width measured": sweep,
        "every loss captured": graphs,
    }
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    print(f"{name}, torch {torch.__version__}, Python {sys.version.split()[0]}")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for part, action in parts.items():
            print(f"\n## {part}")
            began, word = time.perf_counter(), "done"
            try:
                action(device, Path(folder))
            except Exception as error:
                word = f"failed: {type(error).__name__}"
                traceback.print_exc(limit=-4, file=sys.stdout)
            sys.stdout.flush()
            lines.append(f"{part:34} {word:24} {time.perf_counter() - began:6.1f} s")
    print("\n" + "\n".join(lines))
    return int(any("failed" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
