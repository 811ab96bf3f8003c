"""A stored file with any damage is refused in one line or harmless, whatever command reads it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from counts import count
from words import TINY
from zygote import Zygote, complaint

FILES = ("result.json", "metrics.jsonl", "predictions.npz", "checkpoint.pt", "config.yaml", "environment.json")
COMMANDS = [
    TINY,
    ["-m", *TINY, "seed=0,1", "launcher.workers=1"],
    *(["compare", "outputs", "--format", kind] for kind in ("table", "md", "latex", "csv", "html")),
    ["compare", "outputs", "--curves", "curves.svg"],
    ["compare", "outputs", "--rows", "loss,dataset.size", "--select", "auroc"],
    ["export", "tensorboard", "outputs"],
    ["list", "losses"],
]


@pytest.fixture(scope="module")
def stored(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    assert zygote.run(TINY, folder=folder).code == 0
    assert zygote.run([*TINY, "loss=bce"], folder=folder).code == 0
    return folder


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The bytes with one kind of damage: cut, changed, taken out, put in, doubled, or others of one kind instead."""
    place = chance.randrange(len(content) + 1)
    other = bytes(chance.choices(b'\0\xff{}[],:"-0123456789eENnull\n\\', k=chance.randint(1, 8)))
    until = place + chance.randint(1, 40)
    return chance.choice(
        [
            content[:place],
            content[:place] + other + content[place + len(other) :],
            content[:place]
            + bytes([content[place % len(content)] ^ (1 << chance.randrange(8))])
            + content[place + 1 :],
            content[:place] + content[until:],
            content[:place] + other + content[place:],
            content[:until] + content[place:],
            b"",
            other,
            b"[" * 100_000,
        ]
    )


def test_any_damage(zygote: Zygote, stored: Path, tmp_path: Path) -> None:
    for number in range(count(40, 3000)):
        chance = random.Random(number)
        folder = tmp_path / str(number)
        shutil.copytree(stored, folder)
        file = chance.choice(sorted(folder.glob(f"outputs/default/*/{chance.choice(FILES)}")))
        file.write_bytes(damaged(file.read_bytes(), chance))
        words = chance.choice(COMMANDS)
        answer = zygote.run(words, folder=folder)
        wrong = complaint(answer)
        assert not wrong, f"{wrong}: {number}, {file.name}, {words}\n{answer.out[-500:]}{answer.err[-3000:]}"
        shutil.rmtree(folder)
