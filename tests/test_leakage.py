"""Columns that tell the target by what they can do alone; honest ones, however good, raise nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from program import words_in

from surrogate_bench.datasets import Table, load_source, make_split
from surrogate_bench.datasets.telling import telling

N = 400
CHANCE = np.random.default_rng(7)
SORTED = np.repeat([0.0, 1.0], [360, 40])
MIDDLE = np.repeat([0.0, 1.0, 0.0], [150, 50, 200])
BLOCKS = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], [90, 40, 90, 40, 90, 50])
X = CHANCE.normal(size=N)
ORDER = CHANCE.permutation(N)
RARE = np.repeat([1.0, 0.0], [3, 297])

TELLS = {
    "a running number of a file sorted by class": (np.arange(70000, 70000 + N), SORTED, "AUROC 1.000"),
    "the same, downwards and in another order": (-np.arange(N)[ORDER], SORTED[ORDER], "AUROC 1.000"),
    "a running number with the positives in the middle": (np.arange(N), MIDDLE, "balanced accuracy 1.000"),
    "a running number of several sorted files": (np.arange(N) * 1.0, BLOCKS, "6 runs of one class"),
    "the same with gaps": (np.arange(N) + np.arange(N) // 7, BLOCKS, "6 runs of one class"),
    "a copy with noise": (SORTED + CHANCE.normal(0, 0.01, N), SORTED, "AUROC 1.000"),
    "a copy with more noise, downwards": (-SORTED + CHANCE.normal(0, 0.25, N), SORTED, "AUROC 0.99"),
    "a threshold": (X, X > 1, "AUROC 1.000"),
    "a threshold on what is away from 0": (X, np.abs(X) > 1, "balanced accuracy 1.000"),
    "what is missing in one class": (np.where(SORTED == 1, X, np.nan), SORTED, "AUROC 1.000"),
    "codes as text": (np.array([f"{'ab'[int(y)]}{i % 9}" for i, y in enumerate(SORTED)], object), SORTED, "categories"),
}
HONEST = {
    "a good number": (SORTED + CHANCE.normal(0, 0.35, N), SORTED),  # AUROC 0.977
    "a perfect order of three positives": (RARE + CHANCE.random(300) / 2, RARE),
    "a running number of rows in no order": (np.arange(N), SORTED[ORDER]),
    "noise in 40 categories": (np.array([f"c{i}" for i in CHANCE.integers(0, 40, N)], object), SORTED[ORDER]),
    "texts of which each is one row's": (np.array([f"t{i}" for i in range(N)], object), SORTED[ORDER]),
    "a constant": (np.ones(N), SORTED),
    "nothing but gaps": (np.full(N, np.nan), SORTED),
}


@pytest.mark.parametrize("what", TELLS)
def test_what_tells_the_target_alone(what: str) -> None:
    values, y, can = TELLS[what]
    found = telling({"x": values, "noise": CHANCE.normal(size=len(y))}, np.asarray(y, np.float32))
    assert [*found] == ["x"]
    assert can in found["x"]


@pytest.mark.parametrize("what", HONEST)
def test_what_is_honest(what: str) -> None:
    values, y = HONEST[what]
    assert telling({"x": values}, np.asarray(y, np.float32)) == {}


def test_a_long_column_is_found_and_a_long_honest_one_is_not() -> None:
    y = (CHANCE.random(20_000) < 0.01).astype(np.float32)
    noise = CHANCE.normal(size=len(y))
    assert [*telling({"told": y + noise / 5, "good": y + noise / 2, "noise": noise}, y)] == ["told"]


def test_the_area_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    values = np.round(SORTED + CHANCE.normal(0, 0.27, N), 1)
    (told,) = telling({"x": values}, SORTED).values() or ("",)
    assert told == f"AUROC {roc_auc_score(SORTED, values):.3f} alone"


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "synthetic"])
def test_bundled_data_raise_no_alarm(name: str) -> None:
    assert not [remark for remark in make_split(load_source(name), seed=0).remarks if remark["name"] == "leakage"]


KNOWN = ("mammography", "phoneme", "flare-F", "wisconsin", "yeast5", "adult", "credit_default", "eegeye", "car-good")


@pytest.mark.parametrize("name", KNOWN)
def test_known_tables_raise_no_alarm(name: str, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hydra import compose, initialize_config_dir

    from surrogate_bench.config.parse import read
    from surrogate_bench.config.schema import PROTOCOL
    from surrogate_bench.datasets.labels import binary_target
    from surrogate_bench.errors import UserError
    from surrogate_bench.system.paths import CONF

    monkeypatch.setenv("SURROGATE_BENCH_DATA", str(data_root))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        dataset = read(compose("config", [f"dataset={name}"])).dataset
    try:
        table = load_source(**{key: value for key, value in dataset.items() if key not in PROTOCOL})
    except UserError as error:
        pytest.skip(str(error))
    assert isinstance(table, Table)
    assert table.leaking == []
    assert table.telling(binary_target(table.target, dataset["positive"], table.positive)[0]) == {}


def test_dropping_what_the_alarm_names_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    days = np.datetime_as_string(np.datetime64("2024-01-01") + np.arange(N))
    rows = zip(days, range(N), X, SORTED, strict=True)
    file.write_text('when,"the, id",x,y\n' + "".join(f"{d},{i},{x:.3f},{y:g}\n" for d, i, x, y in rows))
    options: dict[str, object] = {"path": str(file)}
    (alarm,) = [r for r in make_split(load_source("table", **options), seed=0).remarks if r["name"] == "leakage"]
    assert "'when' (AUROC 1.000 alone)" in alarm["message"]
    (word,) = words_in(alarm["message"])
    found = OverridesParser.create().parse_override(word)
    options[found.key_or_group.removeprefix("dataset.")] = found.value()
    assert options["drop"] == ["when", "the, id"]
    assert not make_split(load_source("table", **options), seed=0).remarks
