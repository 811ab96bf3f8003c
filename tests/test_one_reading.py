"""Columns are what they are: in both files, in every format, and an alarm says what nothing can be learned from."""

from __future__ import annotations

import datetime
import decimal
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from surrogate_bench.datasets import Split, Table, make_split
from surrogate_bench.datasets.encoding import encode
from surrogate_bench.datasets.labels import binary_target
from surrogate_bench.datasets.table import table
from surrogate_bench.errors import UserError
from surrogate_bench.registry import lookup
from surrogate_bench.store import run_id as identity

N = 120


def made(path: Path, text: str, **options: Any) -> Table:
    path.write_text(text)
    return table(path=str(path), **options)


def rows(form: str, n: int = N, header: str = "a,x,y\n") -> str:
    return header + "".join(form.format(i, i % 7, i % 2) + "\n" for i in range(n))


def alarms(split: Split) -> dict[str, str]:
    return {remark["name"]: remark["message"] for remark in split.remarks}


def test_codes_are_the_same_texts_in_both_files(tmp_path: Path) -> None:
    chance = random.Random(0)
    codes, letters = [str(10000 + i) for i in range(30)], ["A17", "B18", "C19"]
    test = "code,x,y\n" + "".join(f"{chance.choice([*codes[:3], *letters])},{i},{i % 2}\n" for i in range(90))
    (tmp_path / "test.csv").write_text(test)
    for gap in ("", "10001.0"):
        train = "code,x,y\n" + "".join(
            f"{gap if i % 9 == 0 else chance.choice(codes)},{i},{i % 2}\n" for i in range(180)
        )
        both = made(tmp_path / "train.csv", train, test=str(tmp_path / "test.csv"))
        known = set(both.columns["code"].categories)
        assert known <= {*codes, *letters}
        parts = [set(np.asarray(both.columns["code"], dtype=object)[rows]) for rows in (slice(0, 180), slice(180, 270))]
        assert {*codes[:3]} <= parts[0] & parts[1]


def test_a_column_is_what_it_is_in_both_files_of_any_format(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"f": [True, False] * 60, "d": pd.date_range("2020-01-01", periods=N, freq="11D"), "y": [0, 1] * 60}
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    gappy = frame.astype({"f": object})
    gappy.loc[3, "f"] = None
    gappy.to_csv(tmp_path / "gaps.csv", index=False)
    files = {name: str(tmp_path / name) for name in ("t.csv", "t.parquet", "gaps.csv")}
    plain = make_split(table(path=files["t.csv"], test=files["t.csv"]), seed=0)
    mixed = make_split(table(path=files["t.csv"], test=files["t.parquet"]), seed=0)
    assert torch.equal(plain.x, mixed.x)
    other = table(path=files["t.csv"], test=files["gaps.csv"])
    assert set(other.columns["f"].categories) == {"True", "False"}


def test_most_values_of_a_part_unseen_raise_an_alarm(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(rows("new{1},{1},{2}", header="k,x,y\n"))
    split = make_split(
        made(tmp_path / "t.csv", rows("old{1},{1},{2}", header="k,x,y\n"), test=str(tmp_path / "test.csv")), seed=0
    )
    assert "'k' in the test part (120 of 120)" in alarms(split)["unseen"]


@pytest.mark.parametrize("value", ["1.1", "0.1", "9.99", "2023.1"])
def test_a_constant_column_is_constant(value: str, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(rows("1.2,{1},{2}", n=20))
    split = make_split(made(tmp_path / "t.csv", rows(value + ",{1},{2}"), test=str(tmp_path / "test.csv")), seed=0)
    assert (split.x[:, 0] == 0).all()
    assert not split.remarks


def test_a_value_beyond_reason_raises_an_alarm(tmp_path: Path) -> None:
    text = rows("{1}.5,{1},{2}").replace("0.5,", "50000.5,", 1)
    (tmp_path / "test.csv").write_text(text)
    source = made(tmp_path / "t.csv", rows("{1}.5,{1},{2}"), test=str(tmp_path / "test.csv"))
    assert "in 'a'" in alarms(make_split(source, seed=0))["beyond"]
    assert not make_split(source, scaling="none", seed=0).remarks


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e-162, 1.0, 1e160, 1e300])
def test_scaling_keeps_numbers_of_any_size(size: float) -> None:
    number = np.arange(50) % 5 * size
    x = encode(Table("t", np.arange(50) % 2, columns={"n": number}), np.arange(40))
    known = np.arange(50) % 5
    np.testing.assert_allclose(x[:, 0], (known - 2) / np.sqrt(2), rtol=1e-6)


@pytest.mark.parametrize(
    ("one", "two"),
    [("1_2", "12"), ("1e3", "1000"), ("inf", "Infinity"), ("9007199254740992", "9007199254740993"), ("007", "7")],
)
def test_labels_are_the_texts_that_they_are(one: str, two: str, tmp_path: Path) -> None:
    source = made(tmp_path / "t.csv", "a,y\n" + f"1,{one}\n2,{two}\n3,{two}\n" * 20)
    y, name = binary_target(source.target, two, ())
    assert (y.tolist(), name) == ([0, 1, 1] * 20, two)


def test_numbers_of_a_target_are_one_label_however_they_are_written(tmp_path: Path) -> None:
    source = made(tmp_path / "t.csv", "a,y\n" + "1,1\n2,1.0\n3,+1\n4,1.000000000000000000e+00\n5,0\n6,-1\n" * 20)
    y, _ = binary_target(source.target, 1, ())
    assert y.tolist() == [1, 1, 1, 1, 0, 0] * 20
    assert binary_target(np.array([1.0, 2.0**53 + 2, 0.5] * 2), 0.5, ())[1] == "0.5"


@pytest.mark.parametrize("target", [0, -1])
@pytest.mark.parametrize("first", [0, 1])
def test_columns_named_by_number_are_no_row(first: int, target: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((N, 5)).round(4)
    label = np.arange(N) % 2
    frame = pd.DataFrame(np.c_[label, values] if target == 0 else np.c_[values, label])
    frame.set_axis(range(first, first + 6), axis=1).to_csv(tmp_path / "t.csv", index=False)
    source = table(path=str(tmp_path / "t.csv"), target=target)
    assert len(source.target) == N
    assert binary_target(source.target, None, ())[1] == "1"


@pytest.mark.parametrize("names", ["1990,1991,1992", "0,1,2", "id,2001,y", "2.5,7.25,9.125", "2024-01-01,2024-02-01,y"])
def test_a_first_row_that_can_be_names_is_no_row_in_silence(names: str, tmp_path: Path) -> None:
    text = f"{names}\n" + "".join(f"{i / 64},{i % 7 / 8},{i % 2}\n" for i in range(N))
    path = tmp_path / "t.csv"
    if names == "2024-01-01,2024-02-01,y":  # text over numbers can be nothing else
        assert len(made(path, text).target) == N
        return
    with pytest.raises(UserError, match=r"say dataset.header=true if it names the columns, or dataset.header=false"):
        made(path, text)
    assert len(made(path, text, header=True).target) == N


def test_a_first_row_like_the_others_is_a_row(tmp_path: Path) -> None:
    source = made(tmp_path / "t.csv", rows("{0},{1},{2}", header=""))
    assert len(source.target) == N


def test_an_index_is_no_feature_and_one_with_repeated_values_is_asked_about(tmp_path: Path) -> None:
    source = made(tmp_path / "t.csv", rows("{0},{1},{2}", header=",x,y\n"))
    assert list(source.columns) == ["x"]
    with pytest.raises(UserError, match=r"first column has no name.*'dataset.drop=\[\"index\"\]'"):
        made(tmp_path / "t.csv", rows("{1},{1},{2}", header=",x,y\n"))
    for answer in ({"drop": ["index"]}, {"categorical": ["index"]}):
        assert made(tmp_path / "t.csv", rows("{1},{1},{2}", header=",x,y\n"), **answer).columns


def test_a_title_with_a_separator_in_it_is_no_header(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 1 has a value less than the rows, as a title has: say dataset.skip=1"):
        made(tmp_path / "t.csv", "by x, y\n" + rows("{0},{1},{2}"))
    assert list(made(tmp_path / "t.csv", "by x, y\n" + rows("{0},{1},{2}"), skip=1).columns) == ["a", "x"]


def test_header_skip_and_comment(tmp_path: Path) -> None:
    plain = rows("{1},{0},{2}")
    expected = make_split(made(tmp_path / "t.csv", plain), seed=0)
    for text, answer in (
        ("a title\nand more\n" + plain, {"skip": 2}),
        ("! note\n" + plain.replace("\n", "\n! note\n"), {"comment": "!"}),
        ("units,m,\n" + plain, {"header": 2}),
        (plain, {"header": True}),
    ):
        assert torch.equal(make_split(made(tmp_path / "t.csv", text, **answer), seed=0).x, expected.x)


@pytest.mark.parametrize("share", [0.02, 0.15, 0.5, 0.9])
@pytest.mark.parametrize("word", [".", "unknown", "-", "#DIV/0!"])
def test_one_word_among_numbers_is_asked_about_at_any_share(word: str, share: float, tmp_path: Path) -> None:
    chance = random.Random(0)
    cells = [word if chance.random() < share else str(chance.randint(18, 70)) for _ in range(N)]
    text = "age,gap,y\n" + "".join(f"{cell},{'NA' if i % 5 else i},{i % 2}\n" for i, cell in enumerate(cells))
    with pytest.raises(UserError, match=r"among numbers in row .*'dataset.missing=\[\"\",\"NA\""):
        made(tmp_path / "t.csv", text)
    source = made(tmp_path / "t.csv", text, missing=["", "NA", word])
    assert np.isnan(source.columns["age"]).tolist() == [cell == word for cell in cells]


def test_missing_is_the_list_that_it_says(tmp_path: Path) -> None:
    text = "hours,disorder\n" + "".join(f"{i % 7}.5,{'None' if i % 3 else 'NA'}\n" for i in range(N))
    with pytest.raises(UserError, match=r"unless NA, None is a label, as with 'dataset.missing=\[\"\"\]', the target"):
        made(tmp_path / "t.csv", text)
    for missing in ([], [""]):
        assert set(made(tmp_path / "t.csv", text, missing=missing).target) == {"None", "NA"}


def test_missing_words_by_default_leave_run_ids_as_they_were() -> None:
    default = next(p.default for p in lookup("dataset", "table").parameters if p.name == "missing")
    assert default == identity.MISSING
    assert {*identity.TOLD} < {*default}


def test_decimals_truth_times_and_narrow_numbers_of_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"money": [decimal.Decimal(f"{i}.25") for i in range(N)], "y": [0, 1] * 60})
    frame["half"], frame["byte"] = np.arange(N).astype(np.float16), np.arange(N).astype(np.uint8)
    frame["clock"] = [datetime.time(i % 24, 30) for i in range(N)]
    frame["list"] = [[1, 2]] * N
    frame = frame[["money", "half", "byte", "clock", "list", "y"]]
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(UserError, match=r"column 'list' holds list.*'dataset.drop=\[\"list\"\]'"):
        table(path=str(tmp_path / "t.parquet"))
    columns = table(path=str(tmp_path / "t.parquet"), drop=["list"]).columns
    assert columns["money"].tolist() == [i + 0.25 for i in range(N)]
    assert columns["clock"].tolist() == [i % 24 + 0.5 for i in range(N)]
    assert (columns["half"].dtype, columns["byte"].dtype) == (np.float16, np.uint8)


def test_dates_are_days_and_cycles_in_every_format(tmp_path: Path) -> None:
    days = pd.date_range("2021-03-01", periods=N, freq="7D")
    frame = pd.DataFrame({"d": days, "y": np.arange(N) % 2})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.assign(d=days.date).to_parquet(tmp_path / "date.parquet")
    frame.assign(d=days.strftime("%d.%m.%Y")).to_csv(tmp_path / "german.csv", index=False)
    with pytest.raises(UserError, match=r"may be a date: say dataset.dates=%d.%m.%Y, or"):
        table(path=str(tmp_path / "german.csv"))
    columns = table(path=str(tmp_path / "t.csv")).columns
    assert list(columns) == ["d", "d (year, sine)", "d (year, cosine)", "d (week, sine)", "d (week, cosine)"]
    assert columns["d"].tolist() == [7.0 * i for i in range(N)]
    assert np.ptp(columns["d (week, sine)"]) == 0
    for name, options in (("t.parquet", {}), ("date.parquet", {}), ("german.csv", {"dates": "%d.%m.%Y"})):
        other = table(path=str(tmp_path / name), **options).columns
        assert {k: v.tolist() for k, v in other.items()} == {k: v.tolist() for k, v in columns.items()}


@pytest.mark.parametrize(
    ("mark", "cells", "asks", "numbers"),
    [
        ("comma", ["19,28", "1.019,5", "-3", "2,5e3"], "comma", [19.28, 1019.5, -3, 2500]),
        ("point", ["1,008", "2", "1,000,000.5", "7"], "point", [1008, 2, 1000000.5, 7]),
        ("comma", ["1 008,5", "2'000", "3", "4"], "comma", [1008.5, 2000, 3, 4]),
        ("point", ["5%", "6.5%", "10%", "7%"], "point", [5, 6.5, 10, 7]),
    ],
)
def test_decimal_commas_and_thousands_are_asked_about(
    mark: str, cells: list[str], asks: str, numbers: list[float], tmp_path: Path
) -> None:
    text = "a;x;y\n" + "".join(f"{cells[i % 4]};{i % 7};{i % 2}\n" for i in range(N))
    with pytest.raises(UserError, match=f"may be a number: say .*dataset.decimal={asks}"):
        made(tmp_path / "t.csv", text)
    assert made(tmp_path / "t.csv", text, decimal=mark).columns["a"].tolist() == numbers * (N // 4)


def test_of_two_separators_the_one_that_leaves_no_other(tmp_path: Path) -> None:
    source = made(tmp_path / "t.csv", "".join(f"{i},5;{i % 7},25;{i % 2}\n" for i in range(90)), decimal="comma")
    assert source.columns["c0"].tolist() == [i + 0.5 for i in range(90)]
    assert binary_target(source.target, None, ())[1] == "1"
    bars = "".join(f"{i},{'a|b' if i % 3 else 'b|c'},{i % 2}\n" for i in range(90))
    assert list(made(tmp_path / "t.csv", bars).columns) == ["c0", "c1"]


def test_a_stray_quote_that_swallows_rows_is_named(tmp_path: Path) -> None:
    lines = [f"pipe,{i},{i % 2}" for i in range(90)]
    for ends in ((10, 30), (10, 11)):
        text = "t,x,y\n" + "\n".join('"5 ' * (i in ends) + line for i, line in enumerate(lines)) + "\n"
        for options in ({}, {"drop": ["t"]}):
            with pytest.raises(UserError, match=r"quoted value, '5 pipe,10,0.*dataset.quotes=false"):
                made(tmp_path / "t.csv", text, **options)
        assert len(made(tmp_path / "t.csv", text, quotes=False).target) == 90


@pytest.mark.parametrize("options", [{}, {"drop": ["note"]}])
def test_a_long_text_is_a_text(options: dict[str, Any], tmp_path: Path) -> None:
    text = "note,x,y\n" + "".join(f"{'w' * 140_000 if i == 3 else 'a'},{i % 7},{i % 2}\n" for i in range(N))
    assert len(made(tmp_path / "t.csv", text, **options).target) == N


def test_many_categories_are_told_and_can_be_said_otherwise(tmp_path: Path) -> None:
    text = "c,x,y\n" + "".join(f"k{i % 100},{i % 7},{i % 2}\n" for i in range(1000))
    split = make_split(made(tmp_path / "t.csv", text), seed=0)
    assert "'c' (37% of the rows): see dataset.many=frequency" in alarms(split)["many"]
    shapes = {}
    for many in ("frequency", "hashed"):
        other = make_split(made(tmp_path / "t.csv", text, many=many), seed=0)
        assert "many" not in alarms(other)
        shapes[many] = tuple(other.x.shape)
    assert shapes == {"frequency": (1000, 2), "hashed": (1000, 65)}
    source = made(tmp_path / "t.csv", "c,y\n" + "".join(f"k{min(i % 200, 99)},{i % 2}\n" for i in range(1000)))
    source.many = "frequency"
    x = encode(source, np.arange(1000), scaled=False)
    assert {float(value) for value in x[:, 0]} == {np.float32(0.005), np.float32(0.505)}
    with pytest.raises(UserError, match=r"unknown dataset.many 'most'"):
        made(tmp_path / "t.csv", text, many="most")
