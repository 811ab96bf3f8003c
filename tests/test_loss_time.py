"""The time of a loss by itself, which a run's result keeps."""

from __future__ import annotations

import json

import pytest
import torch

from surrogate_bench.losses import list_losses
from surrogate_bench.training.cost import loss_microseconds


@pytest.mark.parametrize("name", list_losses())
def test_every_loss_is_measured_and_nothing_is_disturbed(name: str) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    found = loss_microseconds(json.dumps({"name": name}), 48, "cpu")
    assert (found is None) == (name == "custom")
    assert found is None or 1 < found < 1e6
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_it_is_measured_once_for_a_configuration() -> None:
    words = json.dumps({"name": "focal", "gamma": 3.5})
    assert loss_microseconds(words, 32, "cpu") == loss_microseconds(words, 32, "cpu")
    before = loss_microseconds.cache_info().misses
    loss_microseconds(words, 32, "cpu")
    assert loss_microseconds.cache_info().misses == before
