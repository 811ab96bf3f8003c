"""Measures each loss, forward and backward, against BCE and against one float sort of the same scores.

    python scripts/loss_cost.py [--n 1000000] [--pairs 10000]      # about two minutes, on one thread

Losses over all pairs take `--pairs` examples. Every figure is of the least times measured in turns; memory is what a
call adds to the peak of a fresh copy of the process.
"""

from __future__ import annotations

import argparse

import torch
from peers import both, examples, peak, timed
from rich.console import Console
from rich.table import Table

from surrogate_bench.losses import create_loss, list_losses, loss_info


def main() -> None:
    """Prints a line a loss, cheapest kinds first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=10_000)
    words = parser.parse_args()
    torch.set_num_threads(1)
    table = Table("loss", "cost", "N", "ms", "× bce", "× float sort", "MiB", "bytes an example", box=None)
    names = [name for name in list_losses() if name not in ("custom", "bce")]
    for name in sorted(names, key=lambda name: (len(loss_info(name).cost), loss_info(name).cost)):
        info = loss_info(name)
        n = words.pairs if "N²" in info.cost else words.n
        z, y, index = examples(n)
        calls = []
        for own in ("bce", name):
            loss = create_loss(own)
            loss.fit(y)
            loss.seed(torch.tensor(0))
            needs_index = loss_info(own).needs_index

            def call(z: torch.Tensor, y: torch.Tensor, i: torch.Tensor, loss=loss, needs=needs_index) -> torch.Tensor:
                return loss(z, y, i) if needs else loss(z, y)

            calls.append(lambda call=call, data=(z, y, index): both(call, *data))
        memory = peak(calls[1])
        bce, this, sort = timed([*calls, lambda z=z: torch.sort(z)])
        ratios = (f"{this / bce:.2f}", f"{this / sort:.2f}", f"{memory:.0f}", f"{memory * 2**20 / n:.0f}")
        table.add_row(name, info.cost, f"{n:,}", f"{this * 1e3:.2f}", *ratios)
    Console(width=120).print(table)
    print(f"one thread, torch {torch.__version__}, the least of some turns")


if __name__ == "__main__":
    main()
