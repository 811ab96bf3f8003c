"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from zygote import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """The warm process, one for all tests: it takes longer to start than most of them to run."""
    warm = Zygote(COLUMNS="200", OMP_NUM_THREADS="1")
    yield warm
    warm.close()
