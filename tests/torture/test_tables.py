"""Any table of any file is refused in one line, or gives a split of finite numbers that a run trains on."""

from __future__ import annotations

import random
from pathlib import Path

from counts import count
from drafts import USUAL, draft
from zygote import Zygote, complaint

from surrogate_bench.config.overrides import spelled
from surrogate_bench.datasets import make_split
from surrogate_bench.datasets.table import table
from surrogate_bench.errors import UserError

OF_SPLITS = ("positive", "imratio", "fold")


def test_any_table(tmp_path: Path) -> None:
    read, numbers = 0, range(count(150, 5000))
    for number in numbers:
        made = draft(random.Random(number))
        path = tmp_path / f"table{made.suffix}"
        path.write_bytes(made.content())
        options = USUAL | made.options
        split_by = {key: options.pop(key) for key in OF_SPLITS}
        try:
            split = make_split(table(path=str(path), **options), seed=0, **split_by)
        except UserError as error:
            if not str(error).strip():
                raise AssertionError(f"a refusal without words: {number}") from error
            continue
        read += 1
        assert split.x.isfinite().all(), number
        assert set(split.y.tolist()) == {0.0, 1.0}, number
        for part in ("train", "val", "test"):
            assert set(split.y[getattr(split, part)].tolist()) == {0.0, 1.0}, number
    assert read > len(numbers) / 10


def test_a_run_on_any_table(zygote: Zygote, tmp_path: Path) -> None:
    trained, numbers = 0, range(count(25, 5000))
    for number in numbers:
        made = draft(random.Random(number))
        path = tmp_path / f"table{made.suffix}"
        path.write_bytes(made.content())
        words = [f"dataset.{key}={spelled(value)}" for key, value in made.options.items() if value != USUAL[key]]
        answer = zygote.run(["dataset=table", f"dataset.path={path}", *words, "trainer.epochs=1", "model.hidden=[4]"])
        assert not (wrong := complaint(answer)), f"{wrong}: {number}, {words}\n{answer.out[-500:]}{answer.err[-3000:]}"
        trained += answer.code == 0
    assert trained > len(numbers) / 10
