"""Applies PyTorch's transforms of functions to every loss: a table of what works and gives the same numbers.

    python scripts/transforms.py           # a minute and a half; the table of docs/transforms.md

Each is tried on 12 examples, fitted on them, and held to the value and gradient of the loss itself, the second
derivative to differences of the first.
"""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from surrogate_bench.losses import create_loss, list_losses, loss_info

N = 12
NAMES = [name for name in list_losses() if name != "custom"]
# What a cell says where nothing works: the loss refuses, so that nobody gets a wrong number.
REFUSED = "refused"
Given = tuple[Tensor, ...]


def given(name: str, *problems: int, seed: int = 3) -> Given:
    """Logits, targets of both classes and, if the loss asks for them, positions."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((*problems, N), generator=generator, dtype=torch.float64) / 2
    targets = (torch.rand((*problems, N), generator=generator) < 0.4).double()
    targets[..., 0], targets[..., 1] = 1, 0
    index = (torch.arange(N).expand(*problems, -1),) if loss_info(name).needs_index else ()
    return logits, targets, *index


def fresh(name: str, targets: Tensor) -> Any:
    """The loss, which knows its training set and its seed."""
    loss = create_loss(name)
    loss.fit(targets)
    loss.seed(torch.zeros(targets.shape[:-1], dtype=torch.int64))
    return loss


def slope(loss: Callable[..., Tensor], logits: Tensor, *rest: Tensor, graph: bool = False) -> tuple[Tensor, Tensor]:
    """Value and gradient, as autograd has them."""
    own = logits.detach().requires_grad_() if not graph else logits
    value = loss(own, *rest)
    return value.detach(), torch.autograd.grad(value.sum(), own, create_graph=graph)[0]


def same(found: Any, expected: Any) -> bool:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    return True


def fullgraph(name: str) -> bool:
    """Compiled as one graph, two steps, value and gradient."""
    torch._dynamo.reset()
    data = given(name)
    plain, compiled = fresh(name, data[1]), torch.compile(fresh(name, data[1]), fullgraph=True, backend="eager")
    return all(same(slope(compiled, *data), slope(plain, *data)) for _ in range(2))


def export(name: str) -> bool:
    data = given(name)
    program = torch.export.export(fresh(name, data[1]).eval(), data).module()
    return same(program(*data), fresh(name, data[1]).eval()(*data))


def func_grad(name: str) -> bool:
    data = given(name)
    return same(torch.func.grad(fresh(name, data[1]))(*data), slope(fresh(name, data[1]), *data)[1])


def vmap(name: str) -> bool:
    """Over three problems, by a loss that knows no data set."""
    logits, targets, *index = given(name, 3)
    alone = torch.stack([create_loss(name)(logits[k], targets[k], *(i[k] for i in index)) for k in range(3)])
    return same(torch.vmap(create_loss(name))(logits, targets, *index), alone)


def vmap_grad(name: str) -> bool:
    logits, targets, *index = given(name, 3)
    alone = [slope(create_loss(name), logits[k], targets[k], *(i[k] for i in index))[1] for k in range(3)]
    return same(torch.vmap(torch.func.grad(create_loss(name)))(logits, targets, *index), torch.stack(alone))


def functional_call(name: str) -> bool:
    data = given(name)
    loss = fresh(name, data[1])
    buffers = {key: value.clone() for key, value in loss.named_buffers()}
    return same(torch.func.functional_call(loss, buffers, data), fresh(name, data[1])(*data))


def deepcopied(name: str) -> bool:
    data = given(name)
    return same(copy.deepcopy(fresh(name, data[1]))(*data), fresh(name, data[1])(*data))


def pickled(name: str) -> bool:
    data = given(name)
    return same(pickle.loads(pickle.dumps(fresh(name, data[1])))(*data), fresh(name, data[1])(*data))


def second(name: str) -> bool | str:
    """By differences of the gradient along a way, or refused in words."""
    logits, *rest = given(name)
    way = torch.randn(N, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    up, down = (slope(fresh(name, rest[0]), logits + step * way, *rest)[1] for step in (1e-6, -1e-6))
    own = logits.requires_grad_()
    first = slope(fresh(name, rest[0]), own, *rest, graph=True)[1]
    try:
        found = torch.autograd.grad(first @ way, own, materialize_grads=True)[0] if first.requires_grad else 0 * way
    except RuntimeError as error:
        return REFUSED if "no second derivative" in str(error) else False
    torch.testing.assert_close(found, (up - down) / 2e-6, rtol=1e-4, atol=1e-6)
    return True


QUICK: dict[str, Callable[[str], bool | str]] = {
    "`func.grad`": func_grad,
    "`vmap`": vmap,
    "`vmap(grad)`": vmap_grad,
    "`functional_call`": functional_call,
    "`deepcopy`": deepcopied,
    "`pickle`": pickled,
    "second derivative": second,
}
ALL = {"`compile(fullgraph=True)`": fullgraph, "`export`": export, **QUICK}


def cell(check: Callable[[str], bool | str], name: str) -> str:
    """The table's word: `yes`, `refused`, or `no` where torch or the loss raises or another number comes."""
    try:
        found = check(name)
    except Exception as error:
        if "-v" in sys.argv:
            print(name, check.__name__, type(error).__name__, str(error).strip().partition("\n")[0], file=sys.stderr)
        found = False
    return found if isinstance(found, str) else "yes" if found else "no"


def main() -> int:
    """Prints the table as Markdown, with what works in all at the bottom."""
    warnings.simplefilter("ignore")
    print("| loss | " + " | ".join(ALL) + " |", "| --- |" + " --- |" * len(ALL), sep="\n")
    count = dict.fromkeys(ALL, 0)
    for name in NAMES:
        cells = {head: cell(check, name) for head, check in ALL.items()}
        print(f"| `{name}` | " + " | ".join(cells.values()) + " |", flush=True)
        for head, said in cells.items():
            count[head] += said == "yes"
    print(f"| {len(NAMES)} losses | " + " | ".join(f"{n}" for n in count.values()) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
