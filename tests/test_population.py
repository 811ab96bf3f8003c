"""K members stacked are K members alone, for every net that there is."""

import functools

import pytest
import torch
from torch import Tensor, nn

from surrogate_bench.models import create_model
from surrogate_bench.registry import entries
from surrogate_bench.training.population import Population


class Normed(nn.Module):
    """Stands for nets with buffers that training changes, at a fraction of ResNet-18's 11 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.out = nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.norm(self.first(x)))).squeeze(-1)


SEEDS = [3, 4, 11]
every_model = pytest.mark.parametrize("name", entries("model"))
every_net = pytest.mark.parametrize("name", [*(name for name in entries("model") if name != "resnet18"), "normed"])


@functools.cache
def shape_for(name: str) -> tuple[int, ...]:
    """The smallest examples that the net takes: a table's, or a picture's."""
    for shape in ((6,), (2, 4, 4), (2, 8, 8)):
        if name == "normed":
            return shape
        try:
            create_model(name, shape, seed=0)
        except ValueError:
            continue
        return shape
    raise AssertionError(f"{name} takes none of these shapes")


def solo(name: str, seed: int) -> nn.Module:
    if name == "normed":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Normed()
    return create_model(name, shape_for(name), seed=seed)


def stacked(name: str, seeds: list[int]) -> Population:
    return Population([solo(name, seed) for seed in seeds], torch.device("cpu"))


def batch(name: str, members: int, n: int = 9) -> Tensor:
    return torch.randn(members, n, *shape_for(name), generator=torch.Generator().manual_seed(0))


@every_model
def test_seed_alone_gives_the_weights(name: str) -> None:
    before = torch.get_rng_state()
    first, again, other = solo(name, 3), solo(name, 3), solo(name, 4)
    assert torch.equal(torch.get_rng_state(), before)
    for one, same in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, same)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    logits = first(batch(name, 1)[0])
    assert logits.shape == (9,)
    assert logits.dtype == torch.float32


@every_net
@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:1]])
def test_starts_from_each_member_s_own_weights(name: str, seeds: list[int]) -> None:
    population = stacked(name, seeds)
    assert population.flat.shape[0] == len(seeds)
    for member, seed in enumerate(seeds):
        expected = solo(name, seed).state_dict()
        found = population.state_dict(population.snapshot(), member)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert torch.equal(found[key], value), key


@every_net
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:1]])
def test_forward_and_backward_are_each_member_s_own(name: str, seeds: list[int], training: bool) -> None:
    population, x = stacked(name, seeds), batch(name, len(seeds))
    population.training(training)
    logits = population(x)
    assert logits.shape == x.shape[:2]
    gradients, by_logit, _ = population.gradients(logits.square().mean(1).sum(), logits)
    after = population.snapshot()
    for member, seed in enumerate(seeds):
        net = solo(name, seed).train(training)
        own = net(x[member])
        torch.testing.assert_close(logits[member], own, rtol=1e-5, atol=1e-5)
        expected = torch.autograd.grad(own.square().mean(), list(net.parameters()))
        flat = torch.cat([gradient.flatten() for gradient in expected])
        torch.testing.assert_close(
            gradients[member, : len(flat)], flat, rtol=1e-4, atol=1e-5 * max(1, flat.abs().max().item())
        )
        torch.testing.assert_close(by_logit[member], 2 * own.detach() / 9, rtol=1e-5, atol=1e-5)
        # Running averages are a member's own as well.
        found = population.state_dict(after, member)
        for key, value in net.state_dict().items():
            torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-5)


@every_net
def test_one_member_s_input_reaches_no_other(name: str) -> None:
    population, x = stacked(name, SEEDS), batch(name, len(SEEDS))
    population.training(True)
    before = population(x).detach()
    x[1] = torch.nan
    after = population(x).detach()
    assert after[1].isnan().all()
    torch.testing.assert_close(after[[0, 2]], before[[0, 2]])


@every_net
@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:1]])
def test_restore_goes_back_to_the_snapshot(name: str, seeds: list[int]) -> None:
    population, x = stacked(name, seeds), batch(name, len(seeds))

    def output() -> Tensor:
        population.training(False)
        return population(x).detach()

    snapshot, before = population.snapshot(), output()
    population.training(True)
    population(x)
    population.flat.mul_(1.5)
    changed = output()
    assert (changed - before).abs().max() > 1e-3
    population.restore(snapshot)
    torch.testing.assert_close(output(), before, rtol=0, atol=0)


@every_net
@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:1]])
def test_a_state_dict_loads_into_the_net_itself(name: str, seeds: list[int]) -> None:
    population, x = stacked(name, seeds), batch(name, len(seeds))
    population.training(True)
    population(x)
    population.flat.add_(0.01)
    population.training(False)
    snapshot, logits = population.snapshot(), population(x).detach()
    for member in range(len(seeds)):
        net = solo(name, 99).eval()
        net.load_state_dict(population.state_dict(snapshot, member))
        torch.testing.assert_close(net(x[member]).detach(), logits[member], rtol=1e-4, atol=1e-4)


def test_resnet18_s_state_dict_loads_into_the_net_itself() -> None:
    population, x = stacked("resnet18", [3]), batch("resnet18", 1)
    population(x)
    population.training(False)
    net = solo("resnet18", 99).eval()
    net.load_state_dict(population.state_dict(population.snapshot(), 0))
    torch.testing.assert_close(net(x[0]), population(x)[0])


@every_model
@pytest.mark.parametrize("shape", [(5,), (1, 28, 28), (3, 32, 32), (3, 3)])
def test_takes_a_shape_or_says_what_it_needs(name: str, shape: tuple[int, ...]) -> None:
    refusal = None
    try:
        net = create_model(name, shape, seed=0)
    except ValueError as error:
        refusal = str(error)
    if refusal:
        assert len(shape) != 3
        assert name in refusal
        assert "\n" not in refusal
    else:
        # Dense nets read an example as one row, as the runner gives it to them.
        x = torch.zeros(2, *shape).flatten(1) if getattr(net, "stackable", False) else torch.zeros(2, *shape)
        assert net(x).shape == (2,)
