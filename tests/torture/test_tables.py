"""Any table of any file is refused in one line, or gives a split of finite numbers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from counts import examples
from hypothesis import given
from hypothesis import strategies as st

from surrogate_bench.datasets import make_split
from surrogate_bench.datasets.table import table
from surrogate_bench.errors import UserError

CELLS = {
    "number": st.one_of(st.floats(-1e6, 1e6).map(repr), st.integers(-99, 99).map(str)),
    "extreme": st.sampled_from(["inf", "-inf", "nan", "1e308", "-1e308", "1e-320", "1e400", "9" * 40, "", "?"]),
    "word": st.sampled_from(
        ["a", "b", "c d", "é漢", "<b>", "'q'", '"q"', "a,b", "2020-01-02", "true", " x ", "\u202e"]
    ),
    "any": st.text(st.characters(exclude_categories=()), max_size=6),
    "plain": st.sampled_from(["red", "green", "blue", ""]),
    "constant": st.just("7"),
}
TARGETS = [
    ["0", "1"],
    ["0", "1"],
    ["good", "bad"],
    ["no", "yes"],
    ["-1", "1"],
    ["1", "2", "3"],
    ["0", "1", "2.5"],
    ["x"],
    ["0", "1", ""],
    ["a\n", "b"],
]
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-7")


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes, dict[str, Any]]:
    """A name, a file's bytes and how it is read: rows of typed cells, now and then ragged, quoted, cut or encoded."""
    rows, width = draw(st.sampled_from([0, 1, 3, 12, 30, 30, 30, 60, 60, 60])), draw(st.integers(1, 4))
    wild = draw(st.integers(0, 2)) == 0
    kinds = [
        draw(st.sampled_from(sorted(CELLS) if wild else ["number", "number", "plain", "constant"]))
        for _ in range(width)
    ]
    target = draw(st.sampled_from(TARGETS))
    slip = draw(st.integers(0, 5)) == 0
    mark = draw(st.sampled_from(",,,,;\t|x"[: 8 if slip else 7]))
    lines = [[f"c{i}" for i in range(width)] + ["y"]] if draw(st.booleans()) else []
    for row in range(rows):
        pool = [CELLS["any"] if slip and draw(st.integers(0, 9)) == 0 else CELLS[kind] for kind in kinds]
        lines.append([draw(cell) for cell in pool] + [target[row % len(target)]])
    if lines and slip:
        lines[draw(st.integers(0, len(lines) - 1))] *= draw(st.integers(0, 2))
    quote = draw(st.sampled_from(["", "", "", '"', "'"] if wild else ["", '"']))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(mark.join(quote + cell + quote for cell in line) for line in lines) + draw(
        st.sampled_from(["", end])
    )
    suffix = draw(st.sampled_from([".csv"] * 9 + [".tsv", ".txt", ".data", ".arff", ".dat", ".parquet", ".xls"]))
    if suffix in (".arff", ".dat"):
        types = [draw(st.sampled_from(["numeric", "real", "string", "{a,b}", "{}", "date", ""])) for _ in range(width)]
        names = draw(st.sampled_from(["c", "'c d'", "c\\'", '"']))
        header = [
            "@relation r",
            *(f"@attribute {names}{i} {kind}" for i, kind in enumerate(types)),
            "@attribute y {0,1}",
        ]
        text = "\n".join([*header, draw(st.sampled_from(["@data", "@DATA", "", "@outputs y\n@data"])), text])
    content = text.encode(draw(st.sampled_from(["utf-8"] * 8 + list(ENCODINGS))), errors="ignore")
    if draw(st.integers(0, 9)) == 0:
        content = content[: draw(st.integers(0, len(content)))] + draw(st.binary(max_size=4))
    if draw(st.integers(0, 5)) == 0:
        suffix += ".gz"
        content = gzip.compress(content) if draw(st.booleans()) else content
        content = content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content
    usual = {"header": None, "separator": None, "target": -1, "encoding": "utf-8-sig", "categorical": [], "drop": []}
    options: dict[str, Any] = {
        "header": draw(st.sampled_from([None, None, True, False])),
        "separator": draw(st.sampled_from([None, None, None, ",", "x", "", ",,", "\n", '"'])),
        "target": draw(st.sampled_from([-1, -1, -1, "y", 0, "c0", 99, None, 1.5, ""])),
        "encoding": draw(st.sampled_from(["utf-8-sig", "utf-8-sig", *ENCODINGS, "nothing", "rot13", "base64"])),
        "categorical": draw(st.sampled_from([[], [], ["c0"], [0], ["no"], [None]])),
        "drop": draw(st.sampled_from([[], [], ["c0"], [-2], ["y"], [[1]]])),
    }
    odd = draw(st.sets(st.sampled_from(sorted(usual)), max_size=draw(st.sampled_from([0, 0, 1, 6]))))
    return "table" + suffix, content, usual | {key: options[key] for key in odd}


@examples(150, 5000)
@given(
    file=files(),
    positive=st.sampled_from([None] * 20 + [1, "yes", ">=1", ">=x", [], [1, 2], "", ">=1e999", {"a": 1}, True]),
    imratio=st.sampled_from([None] * 8 + [0.1, 0.9, 0.0, 1e-9]),
)
def test_any_table(
    file: tuple[str, bytes, dict[str, Any]], positive: Any, imratio: float | None, tmp_path_factory: Any
) -> None:
    name, content, options = file
    path = Path(tmp_path_factory.getbasetemp()) / name
    path.write_bytes(content)
    try:
        split = make_split(table(path=str(path), **options), positive=positive, imratio=imratio, seed=0)
    except UserError as error:
        if not str(error).strip():
            raise AssertionError("a refusal without words") from error
        return
    assert split.x.isfinite().all()
    assert set(split.y.tolist()) == {0.0, 1.0}
    for part in ("train", "val", "test"):
        assert set(split.y[getattr(split, part)].tolist()) == {0.0, 1.0}
