"""Our losses and metrics beside those of other libraries, on the same scores: agreement, time and memory.

python scripts/peers.py [--sizes 1000,10000,100000,1000000] [--only dice,soap] [--markdown FILE]

The other libraries are the extra `peers`; one that is not there is named and left out. Value and gradient are compared
at 1,000 examples, of which a tenth are positive: `gradient` is the cosine between the two. Times are of forward and
backward, the processor's on one thread, the least of interleaved turns; × is theirs over ours. Memory is what one call
adds to the peak of a fresh copy of the process. Losses over pairs stop at 10,000 examples, where all pairs at once
would not fit.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from surrogate_bench.losses import create_loss, loss_info
from surrogate_bench.metrics import evaluate

Call = Callable[[Tensor, Tensor, Tensor], Tensor]
PAIRS_UP_TO = 10_000
TURNS, SECONDS = 7, 20.0


@dataclass
class Pair:
    """One of ours and one of theirs; `make(module, n, positives)` gives theirs as a call on (z, y, index)."""

    ours: str
    module: str
    theirs: str
    make: Callable[[Any, int, int], Call]
    note: str = ""
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    pairs: bool = False


def on_logits(loss: Any) -> Call:
    return lambda z, y, _: loss(z, y)


def on_probabilities(loss: Any) -> Call:
    return lambda z, y, _: loss(z.sigmoid(), y)


def on_image(loss: Any) -> Call:
    """For libraries of segmentation: one picture of one channel."""
    return lambda z, y, _: loss(z.view(1, 1, -1, 1), y.view(1, 1, -1, 1))


def with_index(loss: Any) -> Call:
    return lambda z, y, index: loss(z[:, None], y[:, None], index)


def on_column(loss: Any) -> Call:
    return lambda z, y, _: loss(z[:, None], y[:, None])


SMP, MONAI, OPTIMIZER = "segmentation_models_pytorch.losses", "monai.losses", "pytorch_optimizer"
LIBAUC = "libauc.losses"
TVERSKY = {"alpha": 0.3, "beta": 0.7}
PAIRS = [
    Pair("focal", SMP, "FocalLoss", lambda m, *_: on_logits(m.FocalLoss("binary", alpha=0.25))),
    Pair("soft_f1", OPTIMIZER, "SoftF1Loss", lambda m, *_: on_probabilities(m.SoftF1Loss(eps=1e-12))),
    Pair("soft_jaccard", SMP, "JaccardLoss", lambda m, *_: on_image(m.JaccardLoss("binary"))),
    Pair("soft_mcc", SMP, "MCCLoss", lambda m, *_: on_probabilities(m.MCCLoss()), "its eps of 1e-5 is in the sums"),
    Pair(
        "soft_mcc",
        MONAI,
        "MCCLoss",
        lambda m, *_: on_image(m.MCCLoss(sigmoid=True, batch=True)),
        "its smoothing is 1e-5",
    ),
    Pair("dice", SMP, "DiceLoss", lambda m, *_: on_image(m.DiceLoss("binary", smooth=1.0))),
    Pair(
        "dice",
        MONAI,
        "DiceLoss",
        lambda m, *_: on_image(m.DiceLoss(sigmoid=True, batch=True, smooth_nr=1.0, smooth_dr=1.0)),
    ),
    Pair("tversky", SMP, "TverskyLoss", lambda m, *_: on_image(m.TverskyLoss("binary", smooth=1.0, **TVERSKY))),
    Pair(
        "tversky",
        MONAI,
        "TverskyLoss",
        lambda m, *_: on_image(m.TverskyLoss(sigmoid=True, batch=True, smooth_nr=1.0, smooth_dr=1.0, **TVERSKY)),
    ),
    Pair("tversky", OPTIMIZER, "TverskyLoss", lambda m, *_: on_logits(m.TverskyLoss(smooth=1.0, **TVERSKY))),
    Pair("lovasz_hinge", SMP, "LovaszLoss", lambda m, *_: on_image(m.LovaszLoss("binary"))),
    Pair("lovasz_hinge", OPTIMIZER, "LovaszHingeLoss", lambda m, *_: on_image(m.LovaszHingeLoss(per_image=False))),
    *(
        Pair(
            name,
            LIBAUC,
            f"PairwiseAUCLoss {surrogate}",
            lambda m, *_, s=surrogate: on_column(m.PairwiseAUCLoss(surr_loss=s)),
            pairs=True,
        )
        for name, surrogate in (
            ("auroc_square", "squared"),
            ("auroc_squared_hinge", "squared_hinge"),
            ("auroc_hinge", "hinge"),
            ("auroc_logistic", "logistic"),
        )
    ),
    Pair(
        "aucm",
        LIBAUC,
        "AUCMLoss",
        lambda m, *_: on_probabilities(m.AUCMLoss()),
        "its a, b, α start at 0 and need its own optimizer; ours follow the class means",
    ),
    Pair(
        "aucm",
        MONAI,
        "AUCMLoss",
        lambda m, *_: lambda z, y, _: m_aucm(m)(z.sigmoid()[:, None], y[:, None]),
        "the same, and no optimizer is shipped for its ascent",
    ),
    Pair(
        "soft_spearman",
        "torchsort",
        "soft_rank",
        lambda m, *_: lambda z, y, _: spearman(m.soft_rank(z[None], regularization_strength=1.0)[0], y),
        "the kin of fast-soft-sort that PyPI has",
    ),
    Pair(
        "soap",
        LIBAUC,
        "APLoss",
        lambda m, n, _: with_index(m.APLoss(n, gamma=0.5)),
        "its value is a carrier of the gradient and no precision",
        pairs=True,
    ),
    Pair(
        "pauc_kl",
        LIBAUC,
        "pAUC_DRO_Loss",
        lambda m, n, _: with_index(m.pAUC_DRO_Loss(n)),
        "its value is a carrier of the gradient",
        pairs=True,
    ),
    Pair(
        "pauc_cvar",
        LIBAUC,
        "pAUC_CVaR_Loss",
        lambda m, n, p: with_index(m.pAUC_CVaR_Loss(n, p)),
        "its value leaves out s_i",
        pairs=True,
    ),
    Pair(
        "tpauc_kl",
        LIBAUC,
        "tpAUC_KL_Loss",
        lambda m, n, _: with_index(m.tpAUC_KL_Loss(n)),
        "its value is a carrier of the gradient",
        pairs=True,
    ),
]


def spearman(ranks: Tensor, y: Tensor) -> Tensor:
    """(1 − ρ) / 2 as the README of torchsort has it, the targets' ranks being hard and shared by ties."""
    from surrogate_bench.losses.correlation import middle_ranks

    a, b = (values - values.mean() for values in (ranks, middle_ranks(y)))
    return (1 - (a * b).sum() / (a.norm() * b.norm())) / 2


def m_aucm(module: Any) -> Any:
    return module.AUCMLoss()


def examples(n: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = (torch.arange(n) % 10 == 0).float()[torch.randperm(n, generator=generator)]
    return torch.randn(n, generator=generator) + y, y, torch.arange(n)


def ours(pair: Pair, y: Tensor) -> Call:
    loss = create_loss(pair.ours, **pair.hyperparameters)
    loss.fit(y)
    needs_index = loss_info(pair.ours).needs_index
    return lambda z, y, index: loss(z, y, index) if needs_index else loss(z, y)


def both(call: Call, z: Tensor, y: Tensor, index: Tensor) -> tuple[float, Tensor]:
    own = z.clone().requires_grad_()
    value = call(own, y, index)
    return value.item(), torch.autograd.grad(value, own)[0]


def timed(calls: list[Callable[[], object]]) -> list[float]:
    """Least seconds of the processor for a call of each, in turns: what else the machine does adds to all others."""
    repeats = []
    for call in calls:
        call()
        begun = time.process_time()
        call()
        repeats.append(max(1, min(20, int(0.005 / (time.process_time() - begun + 1e-9)))))
    least = [float("inf")] * len(calls)
    stop = time.perf_counter() + SECONDS
    for turn in range(TURNS):
        if turn and time.perf_counter() > stop:
            break
        for at, (call, times) in enumerate(zip(calls, repeats, strict=True)):
            begun = time.process_time()
            for _ in range(times):
                call()
            least[at] = min(least[at], (time.process_time() - begun) / times)
    return least


def peak(call: Callable[[], object]) -> float:
    """MiB that a call adds to the peak of a copy of this process."""
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def child() -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        call()
        queue.put((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)

    process = context.Process(target=child)
    process.start()
    process.join()
    return float("nan") if queue.empty() else queue.get()


def rows(pair: Pair, sizes: list[int]) -> list[str]:
    """A line of the table."""
    module = importlib.import_module(pair.module)
    cells = [pair.ours, f"{pair.theirs} ({pair.module.partition('.')[0]})"]
    for n in sizes:
        if pair.pairs and n > PAIRS_UP_TO:
            cells.append("")
            continue
        data = examples(n)
        head, cell = compared(ours(pair, data[1]), pair.make(module, n, int(data[1].sum())), data)
        cells += [*(head if n == sizes[0] else []), cell]
    return [*cells, pair.note]


def compared(mine: Call, theirs: Call, data: tuple[Tensor, Tensor, Tensor]) -> tuple[list[str], str]:
    """How far value and gradient agree, and the times and memory of both."""
    own, other = both(mine, *data), both(theirs, *data)
    value = abs(own[0] - other[0]) / abs(own[0])
    slopes = (own[1].double().flatten(), other[1].double().flatten())
    cosine = torch.nn.functional.cosine_similarity(*slopes, dim=0).item()
    calls = [lambda side=side: both(side, *data) for side in (mine, theirs)]
    memory = [peak(call) for call in calls]
    first, second = timed(calls)
    cell = f"{second / first:.1f} × {first * 1e3:.2f} ms; {memory[1]:.0f} / {memory[0]:.0f} MiB"
    return [f"{value:.1e}", f"{cosine:.6f}"], cell


def retrieval_rows(sizes: list[int]) -> Iterator[list[str]]:
    """pytorch-metric-learning ranks embeddings by each other: each row of their similarities is a problem of ours.

    An item is ranked by itself as well. 16 classes of 16: its Smooth-AP takes the one for the other.
    """
    losses = importlib.import_module("pytorch_metric_learning.losses")
    labels = torch.arange(16).repeat_interleave(16)
    y = (labels[:, None] == labels).float()
    points = torch.nn.functional.normalize(torch.randn(len(labels), 8, generator=torch.Generator().manual_seed(0)))
    for name, hyperparameters, theirs, note in (
        ("smooth_ap", {"temperature": 0.01}, losses.SmoothAPLoss(0.01), "theirs is wrong for 8 classes of 16"),
        ("histogram_ap", {}, losses.FastAPLoss(20), "its bins are of distance, and it leaves out the item itself"),
    ):
        ours_here = create_loss(name, **hyperparameters)

        def mine(e: Tensor, _: Tensor, __: Tensor, loss: Any = ours_here) -> Tensor:
            return loss(e @ e.T, y).mean()

        def other(e: Tensor, _: Tensor, __: Tensor, loss: Any = theirs) -> Tensor:
            return loss(e, labels)

        head, cell = compared(mine, other, (points, y, labels))
        cells = [f"N = 256, each ranked by each: {cell}", *[""] * (len(sizes) - 1)]
        yield [name, f"{type(theirs).__name__} (pytorch_metric_learning)", *head, *cells, note]


def metric_rows(sizes: list[int]) -> Iterator[list[str]]:
    """torchmetrics' AUROC and average precision, against the same two of `evaluate`, and against all."""
    functional = importlib.import_module("torchmetrics.functional.classification")

    def theirs(z: Tensor, y: Tensor) -> tuple[float, float]:
        labels = y.long()
        found = (functional.binary_auroc(z, labels), functional.binary_average_precision(z, labels))
        return found[0].item(), found[1].item()

    z, y, _ = examples(1000)
    ranking = evaluate(z, y)["ranking"]
    value = max(abs(a - b) for a, b in zip(theirs(z, y), (ranking["auroc"], ranking["average_precision"]), strict=True))
    both = ("auroc", "average_precision")
    for name, only, note in (
        ("evaluate(only=...)", both, ""),
        ("evaluate", (), "ours are all 22, at three thresholds"),
    ):
        cells = [name, "binary_auroc and _average_precision (torchmetrics)", f"{value:.1e}", ""]
        for n in sizes:
            z, y, _ = examples(n)
            calls = [lambda z=z, y=y, only=only: evaluate(z, y, only=only), lambda z=z, y=y: theirs(z, y)]
            memory = [peak(call) for call in calls]
            mine, their = timed(calls)
            cells.append(f"{their / mine:.1f} × {mine * 1e3:.2f} ms; {memory[1]:.0f} / {memory[0]:.0f} MiB")
        yield [*cells, note]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--only", default="", help="our names, with commas")
    parser.add_argument("--markdown", type=Path)
    words = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    sizes = [int(size) for size in words.sizes.split(",")]
    wanted = set(filter(None, words.only.split(",")))
    heading = ["ours", "theirs", "value differs by", "gradient", *(f"N = {n:,}" for n in sizes), "why they differ"]
    lines = ["| " + " | ".join(heading) + " |", "|" + " --- |" * len(heading)]
    jobs = [(p.module.partition(".")[0], p.ours, lambda p=p: [rows(p, sizes)]) for p in PAIRS]
    jobs.append(("pytorch_metric_learning", "smooth_ap", lambda: retrieval_rows(sizes)))
    jobs.append(("torchmetrics", "evaluate", lambda: metric_rows(sizes)))
    missing = {library for library, *_ in jobs if importlib.util.find_spec(library) is None}
    for library in sorted(missing):
        print(f"left out: {library} is not installed (pip install '.[peers]')", file=sys.stderr)
    for library, name, job in jobs:
        if library in missing or (wanted and name not in wanted):
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        lines += ["| " + " | ".join(cells) + " |" for cells in job()]
    packages = ("torch", "libauc", "segmentation-models-pytorch", "monai", "pytorch_optimizer", "torchmetrics")
    packages += ("pytorch-metric-learning", "torchsort")
    found = [
        f"{name} {importlib.metadata.version(name)}"
        for name in packages
        if importlib.util.find_spec(name.replace("-", "_"))
    ]
    text = "\n".join(
        [
            *lines,
            "",
            f"one thread; {', '.join(found)}; the least of {TURNS} turns; times × ours; peak memory theirs / ours",
        ]
    )
    print(text)
    if words.markdown:
        words.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
