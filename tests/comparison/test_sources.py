"""Data sets of one source count once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from surrogate_bench.comparison import prepare

Write = Callable[..., Path]


def fill(write: Write, named: dict[str, float], **more: object) -> None:
    for name, gain in named.items():
        labels = {"dataset": name, "model": "mlp"}
        for loss, value in (("bce", 0.5), ("dice", 0.5 + gain)):
            write(labels=labels | {"loss": loss}, dataset=name, loss=loss, test={"f1": value}, **more)


def test_tables_of_one_source_are_one_value(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, {"yeast1": 0.1, "yeast3": -0.2, "yeast-1_vs_7": 0.4, "ecoli1": 0.1, "ecoli3": 0.3, "glass4": 0.1})
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    assert set(ranking.sources) == {("ecoli1", "ecoli3"), ("glass4",), ("yeast-1_vs_7", "yeast1", "yeast3")}
    assert ranking.over == "6 data sets of 3 sources"
    best = ranking.rows[0]
    assert (best.label, best.wins, best.ties, best.losses) == ("dice", 3, 0, 0)
    assert best.differences == pytest.approx((0.2, 0.1, 0.1))
    assert best.p_value == 0.25
    assert "With one comparison on 3 sources no corrected p is below 0.25" in ranking.too_few
    (table,) = prepare(outputs, metrics=["f1"]).tables("ranks")
    assert "count as one, by their mean: ecoli1 and ecoli3; yeast-1_vs_7, yeast1 and yeast3." in table.note


def test_other_positives_of_one_file_are_the_same_rows(fake_run: Write, outputs: Path) -> None:
    fill(fake_run, {"digits": 0.1}, dataset__positive=3)
    fill(fake_run, {"digits": 0.1}, dataset__positive=8)
    fill(fake_run, {"a": 0.1}, dataset__path="tables/one.csv")
    fill(fake_run, {"b": 0.1}, dataset__path="tables/one.csv")
    fill(fake_run, {"c": 0.1}, dataset__path="tables/two.csv")
    fill(fake_run, {"synthetic": 0.1}, dataset__size=100)
    fill(fake_run, {"synthetic": 0.1}, dataset__size=200)
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    assert sorted(map(len, ranking.sources)) == [1, 1, 1, 2, 2]


def test_versions_of_one_table_alone_find_nothing(fake_run: Write, outputs: Path) -> None:
    for positive in range(8):
        fill(fake_run, {"digits": 0.1}, dataset__positive=positive)
    (ranking,) = prepare(outputs, metrics=["f1"]).rankings()
    assert ranking.over == "8 data sets of 1 source"
    best = ranking.rows[0]
    assert (best.label, best.difference, best.p_value) == ("dice", pytest.approx(0.1), None)
    assert not ranking.found(best)
