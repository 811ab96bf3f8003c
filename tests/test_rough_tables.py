"""Tables as people have them: each is read, or refused in a line that says where and what to do."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrogate_bench.cli import main
from surrogate_bench.datasets import Table, load_source, make_split
from surrogate_bench.datasets.encoding import MAX_CATEGORIES
from surrogate_bench.errors import UserError

ROWS = [f"{i % 7},{'uv'[i % 2]},{int(i % 3 == 0)}\n" for i in range(60)]
TEXT = "a,b,y\n" + "".join(ROWS)
ARFF = "@relation r\n@attribute a real\n@attribute y {0,1}\n@data\n" + "1,0\n2,1\n" * 20
PACKED = gzip.compress(TEXT.encode())


def changed(line: int, text: str) -> str:
    """The table with another text on a line, counted from 1, the header's."""
    lines = TEXT.splitlines(keepends=True)
    return "".join([*lines[: line - 1], text + "\n", *lines[line:]])


REFUSED: dict[str, tuple[str, bytes | str | None, dict[str, Any], str]] = {
    "UTF-16, marked": ("t.csv", TEXT.encode("utf-16"), {}, r"say what it is, as dataset\.encoding=utf-16$"),
    "UTF-16, big end": ("t.csv", "\ufeff".encode("utf-16-be") + TEXT.encode("utf-16-be"), {}, r"encoding=utf-16$"),
    "UTF-16, unmarked": ("t.csv", TEXT.encode("utf-16-le"), {}, r"zero bytes.*dataset\.encoding=utf-16-le$"),
    "UTF-16, the other end": ("t.csv", TEXT.encode("utf-16-be"), {}, r"dataset\.encoding=utf-16-be$"),
    "UTF-32": ("t.csv", TEXT.encode("utf-32"), {}, r"dataset\.encoding=utf-32$"),
    "UTF-16, packed": ("t.csv.gz", gzip.compress(TEXT.encode("utf-16")), {}, r"dataset\.encoding=utf-16$"),
    "UTF-16 ARFF": ("t.arff", ARFF.encode("utf-16"), {}, r"dataset\.encoding=utf-16$"),
    "Latin-1": ("t.csv", TEXT.replace("u", "é").encode("latin-1"), {}, r"dataset\.encoding=latin-1$"),
    "no text": ("t.csv", TEXT.replace("u", "\0"), {}, "zero bytes$"),
    "a long row": ("t.csv", changed(41, "1,u,1,1"), {}, r"Expected 3 fields in line 41, saw 4$"),
    "a short row": ("t.csv", changed(41, "1,u"), {}, "line 41 has 2 values, and there are 3 columns$"),
    "a short row, target first": ("t.csv", changed(41, "1"), {"target": 0, "positive": 1}, "line 41 has 1 values"),
    "a short row, packed": ("t.csv.gz", gzip.compress(changed(61, "1,u").encode()), {}, "line 61 has 2 values"),
    "a short row of ARFF": ("t.arff", ARFF + "3\n", {}, "line 45 has 1 values, and there are 2 attributes$"),
    "a comment before the table": ("t.csv", "# a comment\n" + TEXT, {}, r"line 1, '# a comment', .*comment=\"#\"'"),
    "a sparse row of sparse ARFF that is cut": (
        "t.arff",
        ARFF.replace("1,0\n2,1", "{0 1}\n{1 1}") + "{0 1\n",
        {},
        r"line 45: '\{0 1' is no sparse row",
    ),
    "a target between columns": ("t.csv", TEXT, {"target": 1.5}, "unknown column in dataset.target '1.5'"),
    "a target that is true": ("t.csv", TEXT, {"target": True}, "unknown column in dataset.target 'True'"),
    "an encoding that is for names": ("t.csv", TEXT, {"encoding": "punycode"}, "t.csv is not punycode text"),
    "a cut file": ("t.csv", TEXT[:-4], {}, "line 61 has 2 values"),
    "a folder": ("t.csv", None, {}, "is a folder: name one file$"),
    "a folder called .gz": ("t.csv.gz", None, {}, "is a folder: name one file$"),
    "a folder called Parquet": ("t.parquet", None, {}, "is a folder: name one file$"),
    "cut .gz": ("t.csv.gz", PACKED[:-20], {}, "Compressed file ended before the end"),
    "cut .gz, the sum": ("t.csv.gz", PACKED[:-4], {}, "Compressed file ended before the end"),
    "damaged .gz": ("t.csv.gz", PACKED[:40] + bytes([PACKED[40] ^ 1]) + PACKED[41:], {}, "while decompressing|CRC"),
    "no .gz": ("t.csv.gz", TEXT, {}, "Not a gzipped file"),
    "cut Parquet": ("t.parquet", b"PAR1" + bytes(30), {}, "cannot read"),
    "empty": ("t.csv", "", {}, "is empty$"),
    "empty .gz": ("t.csv.gz", gzip.compress(b"\n \n"), {}, "is empty$"),
    "a header alone": ("t.csv", "a,b,y\n", {}, "a header and no row$"),
    "text among numbers": (
        "t.csv",
        changed(41, "abc,u,1"),
        {},
        r"column 'a' has the text 'abc' among numbers in row 40: correct it, or say 'dataset\.missing=",
    ),
    "infinite": ("t.csv", changed(41, "inf,u,1"), {}, "column 'a' is infinite in row 40$"),
    "too large a number": ("t.csv", changed(41, "-1e400,u,1"), {}, "column 'a' is infinite in row 40$"),
    "infinite in ARFF": ("t.arff", ARFF + "inf,0\n", {}, "column 'a' is infinite in row 41$"),
    "too large for fp32": (
        "t.csv",
        changed(41, "1e39,u,1"),
        {"scaling": "none"},
        "column 'a' is not finite in row 40$",
    ),
    "no target": ("t.csv", changed(41, "1,u,"), {}, "the target 'y' is missing in 1 rows, the first is 40$"),
    "NaN as the target": ("t.csv", changed(41, "1,u,NaN"), {}, "the target 'y' is missing in 1 rows, the first is 40$"),
    "fewer positives than folds": (
        "t.csv",
        TEXT,
        {"fold": 0, "folds": 21},
        "folds=21: t has only 20 rows of its rarer",
    ),
    "one positive": ("t.csv", TEXT.replace(",1\n", ",0\n", 19), {}, "the val part has no positives: 1 of 60 rows"),
    "one class": ("t.csv", TEXT.replace(",1\n", ",0\n"), {}, "the target has one class only: 0$"),
    "ten thousand classes": (
        "t.csv",
        "a,y\n" + "".join(f"{i % 7},c{i % 10_000}\n" for i in range(20_000)),
        {},
        r"10000 classes \(c0, .* and 9992 more\): say which",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_a_line(what: str, tmp_path: Path) -> None:
    name, content, options, says = REFUSED[what]
    with pytest.raises(UserError, match=says) as caught:
        split_of(tmp_path / name, content, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def split_of(path: Path, content: bytes | str | None, **options: Any) -> Any:
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    protocol = {key: options.pop(key) for key in ("positive", "fold", "folds", "scaling") if key in options}
    return make_split(load_source("table", path=str(path), **options), seed=0, **protocol)


GIVEN = {"utf-16": TEXT.encode("utf-16"), "utf-16-be": TEXT.encode("utf-16-be"), "utf-32": TEXT.encode("utf-32")}


def test_what_is_told_of_an_encoding_reads_the_file(tmp_path: Path) -> None:
    plain = split_of(tmp_path / "plain.csv", TEXT)
    for name, content in GIVEN.items():
        other = split_of(tmp_path / f"{name}.csv", content, encoding=name)
        assert torch.equal(other.x, plain.x)
    for encoding in ("utf-8-sig", "utf-8"):
        marked = split_of(tmp_path / f"mark-{encoding}.csv", "\ufeff" + TEXT, encoding=encoding, drop=["a"])
        assert torch.equal(marked.x, plain.x[:, 1:])


def test_line_ends_of_any_kind_and_within_quotes(tmp_path: Path) -> None:
    plain = split_of(tmp_path / "plain.csv", TEXT)
    for number, end in enumerate(("\r\n", "\r")):
        assert torch.equal(split_of(tmp_path / f"{number}.csv", TEXT.replace("\n", end)).x, plain.x)
    quoted = TEXT.replace(",u,", ',"two\nlines",')
    assert torch.equal(split_of(tmp_path / "quoted.csv", quoted).x, plain.x)


def test_rows_that_end_in_gaps_are_whole(tmp_path: Path) -> None:
    text = "y,a,b\n" + "".join(f"{i % 2},{i % 7},{'' if i % 5 else i}\n" for i in range(60)) + "\n  \n"
    assert split_of(tmp_path / "t.csv", text, target="y").x.shape == (60, 2)


def test_constant_columns_teach_nothing(tmp_path: Path) -> None:
    text = "one,word,gap,a,y\n" + "".join(f"7,same,,{i % 7},{i % 2}\n" for i in range(60))
    x = split_of(tmp_path / "t.csv", text).x
    assert x.isfinite().all()
    assert [len(column.unique()) for column in x.T] == [1, 1, 1, 7]
    number = np.zeros(60)
    split = make_split(Table("t", np.arange(60) % 2, columns={"n": number}), seed=0)
    number[split.test[0]] = 5  # constant in training alone
    assert make_split(Table("t", np.arange(60) % 2, columns={"n": number}), seed=0).x.isfinite().all()


def test_a_column_of_mixed_types_is_one_of_names(tmp_path: Path) -> None:
    mixed = ["1", "True", "x", "2.50", "", "nan"]
    text = "a,y\n" + "".join(f"{mixed[i % 6]},{i % 2}\n" for i in range(60))
    x = split_of(tmp_path / "t.csv", text).x
    # Four names, and one column for what is missing.
    assert x.shape == (60, 5)
    assert torch.equal(x.sum(1), torch.ones(60))
    assert torch.equal(x[4], x[5])


def test_ten_thousand_categories_are_bounded_in_time_and_memory(tmp_path: Path) -> None:
    began, rows = time.perf_counter(), 20_000
    lines = (f"k{i % 10_000},{i},{i % 5},{int(i % 3 == 0)}\n" for i in range(rows))
    split = split_of(tmp_path / "t.csv", "few,each,n,y\n" + "".join(lines), categorical=["each"])
    assert split.x.shape == (rows, 2 * MAX_CATEGORIES + 1)
    assert (split.x[:, :MAX_CATEGORIES].sum(1) == 1).all()
    assert time.perf_counter() - began < 20


def test_the_program_refuses_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv.gz").write_bytes(PACKED[:-20])
    assert main(["dataset=table", "dataset.path=t.csv.gz"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv.gz"]


def test_text_that_differs_in_most_rows_raises_an_alarm(tmp_path: Path) -> None:
    names = "a;b;y\n" + "".join(f"n{i};{i % 7};{i % 2}\n" for i in range(60))
    scattered, unseen = split_of(tmp_path / "t.csv", names).remarks
    assert scattered["name"] == "scattered"
    assert "names and free text do, is in 'a':" in scattered["message"]
    assert unseen["name"] == "unseen"
    assert not split_of(tmp_path / "few.csv", TEXT).remarks


def test_bytes_of_parquet_are_text(tmp_path: Path) -> None:
    pd, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    pd.DataFrame({"a": range(60), "y": [b"u", b"\xff\n"] * 30}).to_parquet(tmp_path / "t.parquet")
    split = make_split(load_source("table", path=str(tmp_path / "t.parquet")), positive="u", seed=0)
    assert split.y.sum() == 30


def test_a_table_that_has_changed_is_not_taken_for_itself(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.csv" for i in range(6)]  # more than are kept in memory
    for path in paths:
        split_of(path, TEXT)
    paths[0].write_text(TEXT + ROWS[0])
    with pytest.raises(UserError, match=r"0\.csv.* has changed since it was first read"):
        load_source("table", path=str(paths[0]))
    assert load_source("table", path=str(paths[1])).columns
