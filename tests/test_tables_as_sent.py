"""Tables as people send them: each is read right, or asked about in a line whose answer reads it right.

All of them hold the same 60 rows, an age, a group of two words and the label, as another program writes them.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from surrogate_bench.datasets import Table, load_source
from surrogate_bench.errors import UserError

N = 60
AGE = np.array([20 + (i * 7) % 41 + 0.5 * (i % 2) for i in range(N)])
GROUP = np.array(["low", "high"], dtype=object)[np.arange(N) // 3 % 2]
Y = np.array(["no", "yes", "no"], dtype=object)[np.arange(N) % 3]
FRAME = pd.DataFrame({"age": AGE, "group": GROUP, "y": Y})


def written(frame: pd.DataFrame = FRAME, **options: Any) -> str:
    return frame.to_csv(**{"index": False, "lineterminator": "\n"} | options)


def lines(form: str) -> str:
    rows = zip(AGE, GROUP, Y, strict=True)
    return "".join(form.format(i=i + 1, w=i % 2 + 1, a=a, g=g, y=y) + "\n" for i, (a, g, y) in enumerate(rows))


def quoted(**options: Any) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", **options)
    writer.writerow([*FRAME.columns])
    writer.writerows(FRAME.to_numpy().tolist())
    return buffer.getvalue()


def arff(rows: str, *, weka: str = "{low,high}") -> str:
    header = f"% from Weka\n@RELATION 'as sent'\n@ATTRIBUTE age NUMERIC\n@ATTRIBUTE 'group' {weka}\n"
    return f"{header}@ATTRIBUTE y {{no,yes}}\n\n@DATA\n{rows}"


SPSS = "\ufeff" + written(sep=";", decimal=",").replace("\n", "\r\n")
RAGGED = "".join(f"{a:8.1f}  {g:<6}{y:>4}   \n" for a, g, y in zip(AGE, GROUP, Y, strict=True))

# What it is: the file's name and content, and what the message asks, empty where none is due.
SENT: dict[str, tuple[str, str | bytes, str]] = {
    "pandas, with its index": ("t.csv", written(index=True), ""),
    "pandas, after a selection and with its index": ("t.csv", written(FRAME.iloc[::-1], index=True), ""),
    "pandas, its index saved twice": ("t.csv", written(FRAME.reset_index(names="Unnamed: 0"), index=True), ""),
    "pandas, columns by number": ("t.csv", written(FRAME.set_axis([0, 1, 2], axis=1)), "header"),
    "pandas, two rows of names": ("t.csv", "x,x,z\n" + written(), "header"),
    "NumPy's savetxt": (
        "t.txt",
        "".join(f"{a:.18e} {g == 'high':.18e} {y == 'yes':.18e}\n" for a, g, y in zip(AGE, GROUP, Y, strict=True)),
        "",
    ),
    "R's write.csv": ("t.csv", '"","age","group","y"\n' + lines('"{i}",{a:g},"{g}","{y}"'), ""),
    "R's write.table": ("t.txt", '"age" "group" "y"\n' + lines('"{i}" {a:g} "{g}" "{y}"'), ""),
    "R's write.csv2": ("t.csv", '"age";"group";"y"\n' + lines('{a:g};"{g}";"{y}"').replace(".", ","), "decimal"),
    "SAS, a dot for what is missing": ("t.csv", written().replace("\n20.0,", "\n.,", 1), "missing"),
    "SPSS, German": ("t.csv", SPSS, "decimal"),
    "Excel, English": ("t.csv", "\ufeff" + written().replace("\n", "\r\n"), ""),
    "Excel, German, in its own encoding": (
        "t.csv",
        b"sep=;\n" + written(FRAME.replace("high", "größer"), sep=";", decimal=",").encode("cp1252"),
        "encoding|decimal",
    ),
    "Excel, a title over the table": ("t.csv", "Report 2024,,\n,,\n" + written(), "skip"),
    "Excel, thousands": ("t.csv", quoted().replace("\n20.0,", '\n"1,020.0",', 1), "decimal"),
    "Excel as Unicode text": ("t.txt", written(sep="\t").encode("utf-16"), "encoding"),
    "Excel, empty columns at the end": ("t.csv", written().replace("\n", ",\n"), ""),
    "SQL, NULL and quotes everywhere": ("t.csv", quoted().replace("\n20.0,", "\nNULL,", 1), ""),
    "MySQL, \\N for NULL": ("t.tsv", written(sep="\t").replace("\n20.0\t", "\n\\N\t", 1), "missing"),
    "PostgreSQL's psql, bars": ("t.txt", written(sep="|"), ""),
    "a logger, comments and no header": ("t.csv", "# station 7\n# Hz 5\n" + written(header=False), "comment"),
    "a logger, a separator more": ("t.csv", lines("{a:g};{g};{y};"), ""),
    "a logger, units under the names": ("t.csv", "age,group,y\n(years),,\n" + written(header=False), "header"),
    "a survey, questions over lines": ("t.csv", '"How old\nare you?","Group, please",y\n' + written(header=False), ""),
    "a survey, free text": (
        "t.csv",
        written(FRAME.assign(y="so,\nwell" + FRAME["y"])).replace("so,\nwell", "so\nwell "),
        "",
    ),
    "UCI, blanks in columns": ("t.dat", RAGGED, ""),
    "UCI, no header": ("t.data", written(header=False), ""),
    "UCI, a line before the test part": (
        "t.test",
        "|1x3 Cross validator\n" + written(header=False).replace("\n", ".\n"),
        "skip",
    ),
    "KEEL": (
        "t.dat",
        arff(lines("{a:g}, {g}, {y}")).replace("@DATA", "@inputs age, group\n@outputs y\n@data"),
        "",
    ),
    "Weka, blanks and tabs between values": ("t.arff", arff(lines("{a:g}\t{g} {y}")), ""),
    "Weka, sparse with quotes": (
        "t.arff",
        arff(lines("{{0\t{a:g}, 1 '{g}, or so', 2 {y}}}"), weka="{'low, or so','high, or so'}"),
        "",
    ),
    "Weka, weights of rows": ("t.arff", arff(lines("{a:g},{g},{y},{{{w}}}")), ""),
    "Parquet": ("t.parquet", FRAME.to_parquet(), ""),
}


def answered(option: str) -> dict[str, Any]:
    """The option that a message proposes, read from its shell words as the program reads it."""
    (word,) = shlex.split(option)
    found = OverridesParser.create().parse_override(word)
    return {found.key_or_group.removeprefix("dataset."): found.value()}


@pytest.mark.parametrize("what", SENT)
def test_read_right_or_asked_about(what: str, tmp_path: Path) -> None:
    name, content, asks = SENT[what]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    options: dict[str, Any] = {}
    for _ in range(3):
        try:
            table = load_source("table", path=str(path), **options)
            break
        except UserError as error:
            message = str(error)
            assert "\n" not in message
            proposed = re.search(r"'dataset\.[^']*(?:'\"'\"'[^']*)*'|dataset\.\w+=[^\s,]+", message)
            assert proposed, message
            options |= answered(proposed[0])
    else:
        raise AssertionError(message)
    assert set(options) <= set(asks.split("|")), options
    assert bool(options) == bool(asks)
    assert isinstance(table, Table)
    assert len(table.target) == N
    age, group = table.columns.values()
    expected = AGE[::-1] if "selection" in what else AGE
    given = np.asarray(age, dtype=float)
    first = given[0] if "thousands" in what else np.nan if "NULL" in what or "dot for" in what else expected[0]
    np.testing.assert_array_equal(given, [first, *expected[1:]])
    if "thousands" in what:
        assert given[0] == 1020
    parts = [np.asarray(group, dtype=object) == value for value in dict.fromkeys(np.asarray(group, object).tolist())]
    halves = GROUP[::-1] if "selection" in what else GROUP
    assert len(parts) == 2
    np.testing.assert_array_equal(parts[0], halves == halves[0])
