"""Tables as other programs export and print them: read as a person reads them, or asked about in one line.

The answer that a message proposes is taken word for word, and then the values are those that were written. All tables
have 60 rows.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from surrogate_bench.datasets import Table, load_source
from surrogate_bench.errors import UserError

N = 60
AGE = [20 + (i * 7) % 41 for i in range(N)]
MONEY = [round(1000 + (i * 937.37) % 9000, 2) for i in range(N)]
SIGNED = [m if i % 3 else -m for i, m in enumerate(MONEY)]
SHARE = [(i * 13) % 100 for i in range(N)]
TOWN = [("Bonn", "New York", "Los Angeles")[i % 3] for i in range(N)]
Y = [("no", "yes", "no", "no")[i % 4] for i in range(N)]
DAYS = pd.date_range("2023-01-05", periods=N, freq="11D")
HOURS = pd.date_range("2024-03-01", periods=N, freq="7h")
SINCE = [11.0 * i for i in range(N)]
HOUR = [7 * i / 24 for i in range(N)]
GAP = float("nan")


def gappy(step: int) -> list[float]:
    return [age if i % step else GAP for i, age in enumerate(AGE)]


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def lines(row: Callable[[int], str], head: str = "", end: str = "\n") -> str:
    return (head + end if head else "") + "".join(row(i) + end for i in range(N))


def dated(form: str) -> str:
    return lines(lambda i: f'"{DAYS[i].strftime(form)}",{AGE[i]},{Y[i]}', "d,age,y")


def amounts(text: Callable[[float], str]) -> str:
    return lines(lambda i: f"{text(SIGNED[i])};{AGE[i]};{Y[i]}", "m;age;y")


BAR = "+-----+-------------+-----+\n"
BOX = lines(lambda i: f"| {AGE[i]:3d} | {TOWN[i]:<11} | {Y[i]:<3} |")
EXCEL = lines(
    lambda i: f"{AGE[i]};{german(MONEY[i])} €;{SHARE[i]},5%;{DAYS[i]:%d.%m.%Y};{Y[i]}", "Größe;m;s;d;y", "\r\n"
)
FRENCH = lines(
    lambda i: (
        f"{AGE[i]};{MONEY[i]:,.2f} €;{SHARE[i]},5 %;{DAYS[i]:%d/%m/%Y};{Y[i]}".replace(",", "\u202f", 1)
        .replace(".", ",", 1)
        .replace("\u202f5 %", ",5 %")
    ),
    "âge;m;s;d;y",
)
QUALTRICS = (
    'Q1,Q2,y\n"How old\nare you?",Where?,Left?\n"{""ImportId"":""QID1""}","{""ImportId"":""QID2""}","{""Q"":3}"\n'
)
PLAIN = lines(lambda i: f"{AGE[i]},{MONEY[i]},{Y[i]}", "age,m,y")
WEKA = "@relation r\n@attribute d date {}\n@attribute age numeric\n@attribute y {{no,yes}}\n@data\n"

# What it is: the file's name, its content, the options that are asked for, and what is in it.
SENT: dict[str, tuple[str, str | bytes, str, dict[str, list[Any]]]] = {
    "SAS, money and dates": (
        "t.csv",
        lines(lambda i: f'{AGE[i]},"${MONEY[i]:,.2f}",{DAYS[i]:%d%b%Y},{Y[i]}'.upper(), "AGE,M,D,Y"),
        "decimal dates",
        {"AGE": AGE, "M": MONEY, "D": SINCE},
    ),
    "SPSS, #NULL!": (
        "t.csv",
        lines(lambda i: f"{AGE[i] if i % 9 else '#NULL!'},{TOWN[i]},{Y[i]}", "age,t,y", "\r\n"),
        "missing",
        {"age": gappy(9), "t": TOWN},
    ),
    "Stata, two kinds of missing": (
        "t.csv",
        lines(lambda i: f"{AGE[i] if i % 5 else ('.a', '.b')[i % 2]},{TOWN[i]},{Y[i]}", "age,t,y"),
        "missing",
        {"age": gappy(5), "t": TOWN},
    ),
    "Excel, German, Windows-1252": (
        "t.csv",
        EXCEL.encode("cp1252"),
        "encoding decimal dates",
        {"Größe": AGE, "m": MONEY, "s": [s + 0.5 for s in SHARE], "d": SINCE},
    ),
    "Excel, French": (
        "t.csv",
        FRENCH.encode("utf-8-sig"),
        "decimal dates",
        {"âge": AGE, "m": MONEY, "s": [s + 0.5 for s in SHARE], "d": SINCE},
    ),
    "Excel, Unicode text": (
        "t.txt",
        lines(lambda i: f"{AGE[i]}\t{german(MONEY[i])}\t{Y[i]}", "age\tm\ty", "\r\n").encode("utf-16"),
        "encoding decimal",
        {"age": AGE, "m": MONEY},
    ),
    "Excel, accounting": (
        "t.csv",
        amounts(lambda m: f"{m:,.2f}" if m > 0 else f"({-m:,.2f})"),
        "decimal",
        {"m": SIGNED},
    ),
    "SAP, minus behind": ("t.csv", amounts(lambda m: german(abs(m)) + "-" * (m < 0)), "decimal", {"m": SIGNED}),
    "typography, minus": ("t.csv", amounts(lambda m: str(m).replace("-", "−")), "", {"m": SIGNED}),
    "lakhs and crores": ("t.csv", amounts(lambda m: f"12,34,{abs(m):06.0f}"[:9]), "decimal", {}),
    "a shop, powers of a thousand": (
        "t.csv",
        lines(lambda i: f"{('€0', f'€{AGE[i]}K', f'€{AGE[i]}.5M')[i % 3]},{Y[i]}", "m,y"),
        "decimal",
        {"m": [(0, AGE[i] * 1e3, AGE[i] * 1e6 + 5e5)[i % 3] for i in range(N)]},
    ),
    "units in cells": (
        "t.csv",
        lines(lambda i: f"{AGE[i]} kg,{SHARE[i]}cm,{Y[i]}", "a,s,y"),
        "decimal",
        {"a": AGE, "s": SHARE},
    ),
    "Fortran": (
        "t.dat",
        lines(lambda i: f"  {AGE[i]:.6E}  {MONEY[i]:.6E}  {i % 4 == 1:d}".replace("E", "D")),
        "",
        {"c0": AGE, "c1": MONEY},
    ),
    "psql": (
        "t.txt",
        " age |      t      |  y  \n-----+-------------+-----\n"
        + lines(lambda i: f" {AGE[i]:3d} | {TOWN[i]:<11} | {Y[i]:<3} ")
        + "(60 rows)\n\n",
        "skip_end",
        {"age": AGE, "t": TOWN},
    ),
    "mysql": ("t.txt", BAR + "| age | t           | y   |\n" + BAR + BOX + BAR, "", {"age": AGE, "t": TOWN}),
    "Markdown": ("t.txt", "| age | t | y |\n|----:|:--|---|\n" + BOX, "", {"age": AGE, "t": TOWN}),
    "MySQL's quotes": (
        "t.csv",
        lines(lambda i: f'{AGE[i]},"the \\"{TOWN[i]}\\", yes",{Y[i]}', "age,t,y"),
        "",
        {"age": AGE, "t": [f'the "{town}", yes' for town in TOWN]},
    ),
    "a sum below": ("t.csv", PLAIN + f"Total,{sum(MONEY):.2f},\n", "skip_end", {"age": AGE, "m": MONEY}),
    "a sum that looks like a row": (
        "t.csv",
        lines(lambda i: f"{TOWN[i]},{AGE[i]},{Y[i]}", "t,age,y") + "Summe,2400,no\n",
        "skip_end",
        {"t": TOWN, "age": AGE},
    ),
    "a note below": ("t.csv", PLAIN + "\nSource: the office, 2024, page 7, table 3\n", "skip_end", {"age": AGE}),
    "a second table below": ("t.csv", PLAIN + "\n\nk,v\n1,2\n3,4\n", "skip_end", {"age": AGE, "m": MONEY}),
    "notes and a sum below": ("t.csv", PLAIN + "Total,9,\n* as of May\n", "skip_end", {"age": AGE, "m": MONEY}),
    "Qualtrics": (
        "t.csv",
        QUALTRICS + lines(lambda i: f"{AGE[i]},{TOWN[i]},{Y[i]}"),
        "header",
        {"Q1": AGE, "Q2": TOWN},
    ),
    "Google Forms": (
        "t.csv",
        lines(
            lambda i: f'{HOURS[i].month}/{HOURS[i].day}/{HOURS[i].year} {HOURS[i]:%H:%M:%S},"{TOWN[i]}, say",{Y[i]}',
            'Timestamp,"Where, please",y',
        ),
        "dates",
        {"Timestamp": HOUR, "Where, please": [f"{town}, say" for town in TOWN]},
    ),
    "LimeSurvey": (
        "t.csv",
        lines(
            lambda i: f'"{i + 1}","{HOURS[i]:%Y-%m-%d %H:%M:%S}","{AGE[i] if i % 8 else "N/A"}","{Y[i]}"',
            '"id. Response ID","submitdate","G01Q01[SQ1]. How old, please?","y"',
        ),
        "",
        {"submitdate": HOUR, "G01Q01[SQ1]. How old, please?": gappy(8)},
    ),
    "UCI, blanks and a tab before a name": (
        "t.data",
        lines(lambda i: f'{AGE[i]:.1f}   {"?" if i % 12 == 0 else SHARE[i]}      {i % 2 + 1}\t"{TOWN[i]}"'),
        "target",
        {"c0": AGE, "c1": [s if i % 12 else GAP for i, s in enumerate(SHARE)], "c3": TOWN},
    ),
    "a web server's log": ("t.csv", dated("%d/%b/%Y:%H:%M:%S +0000"), "dates", {"d": SINCE, "age": AGE}),
    "days in words": ("t.csv", dated("%A, %B %d, %Y"), "dates", {"d": SINCE}),
    "days, UTC": ("t.csv", dated("%Y-%m-%d %H:%M:%S UTC"), "", {"d": SINCE}),
    "days, basic ISO": ("t.csv", dated("%Y%m%dT000000"), "", {"d": SINCE}),
    "days with zeros for none": (
        "t.csv",
        dated("%Y-%m-%d").replace("2023-01-05", "0000-00-00"),
        "missing",
        {"age": AGE},
    ),
    "times, before and after noon": (
        "t.csv",
        lines(lambda i: f"{HOURS[i]:%I:%M %p},{AGE[i]},{Y[i]}", "c,age,y"),
        "",
        {"c": [stamp.hour for stamp in HOURS]},
    ),
    "two formats of dates": (
        "t.csv",
        lines(lambda i: f"{DAYS[i]:%d.%m.%Y},{DAYS[i]:%d.%m.%Y %H:%M},{AGE[i]},{Y[i]}", "d,e,age,y"),
        "dates",
        {"d": SINCE, "e": SINCE},
    ),
    "Weka, a date with its format": (
        "t.arff",
        WEKA.format("'dd.MM.yyyy'") + lines(lambda i: f"'{DAYS[i]:%d.%m.%Y}',{AGE[i]},{Y[i]}"),
        "",
        {"d": SINCE, "age": AGE},
    ),
    "Weka, a date": (
        "t.arff",
        WEKA.format("") + lines(lambda i: f"'{DAYS[i]:%Y-%m-%dT%H:%M:%S}',{AGE[i]},{Y[i]}"),
        "",
        {"d": SINCE, "age": AGE},
    ),
    "a spreadsheet, emptied columns": (
        "t.tsv",
        lines(lambda i: f"{AGE[i]}\t{TOWN[i]}\t{Y[i]}\t\t", "age\tt\ty\t\t", "\r\n"),
        "",
        {"age": AGE, "t": TOWN},
    ),
    "an old Macintosh": ("t.csv", lines(lambda i: f"{AGE[i]},{TOWN[i]},{Y[i]}", "age,t,y", "\r"), "", {"age": AGE}),
    "single quotes everywhere": (
        "t.csv",
        lines(lambda i: f"'{AGE[i]}','{TOWN[i]}','{Y[i]}'", "'age','t','y'"),
        "",
        {"age": AGE, "t": TOWN},
    ),
    "copied from a web page": (
        "t.csv",
        lines(lambda i: f"\u00a0{AGE[i]}\u200b,{TOWN[i]}\u00a0,{Y[i]}", "age\u200b,t,y"),
        "",
        {"age": AGE, "t": TOWN},
    ),
}


def answers(message: str) -> dict[str, Any]:
    """What a message proposes, by options, of each the first, read from its words as the program reads them."""
    found: dict[str, Any] = {}
    for option in re.findall(r"'dataset\.[^']*(?:'\"'\"'[^']*)*'|dataset\.\w+=[^\s,]+", message):
        (word,) = shlex.split(option)
        parsed = OverridesParser.create().parse_override(word)
        found.setdefault(parsed.key_or_group.removeprefix("dataset."), parsed.value())
    return found


def attempt(path: Path, options: dict[str, Any]) -> Any:
    """The table, or what is said in its place."""
    try:
        return load_source("table", path=str(path), **options)
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("what", SENT)
def test_read_right_or_asked_about(what: str, tmp_path: Path) -> None:
    name, content, asks, expected = SENT[what]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    options: dict[str, Any] = {"target": 2} if asks == "target" else {}
    asked = set(options)
    while isinstance(table := attempt(path, options), str):
        taken = {key: value for key, value in answers(table).items() if key in asks.split()}
        assert "\n" not in table
        assert any(options.get(key) != value for key, value in taken.items()), table
        options |= taken
        asked |= {*taken}
    assert asked == set(asks.split())
    assert len(table.target) == N
    if asks != "target":
        assert [str(label).translate({0x200B: None}).strip("' ").lower() for label in table.target] in (
            Y,
            [str(int(label == "yes")) for label in Y],
        )
    for column, values in expected.items():
        found = np.asarray(table.columns[column], dtype=object).tolist()
        if isinstance(values[1], str):
            assert found == values
        else:
            np.testing.assert_allclose(np.array(found, dtype=float), values)


@pytest.mark.parametrize(
    ("cells", "option", "becomes"),
    [
        ([f"{day:%Y%m%d}" for day in DAYS], "dates", SINCE),
        ([f"{i % 7 * 11:05d}" for i in range(N)], "categorical", [f"{i % 7 * 11:05d}" for i in range(N)]),
        ([str(age) if i % 9 else "-999" for i, age in enumerate(AGE)], "missing", gappy(9)),
        ([f"{age}.5" if i % 9 else "9999" for i, age in enumerate(AGE)], "missing", [v + 0.5 for v in gappy(9)]),
        ([str(age) if i % 9 else "-1" for i, age in enumerate(AGE)], None, None),
        (list(map(str, AGE)), None, None),
    ],
    ids=["days", "codes", "-999", "9999", "-1 beside", "numbers"],
)
def test_numbers_that_may_be_something_else_raise_an_alarm(
    cells: list[str], option: str | None, becomes: list[Any], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(lines(lambda i: f"{cells[i]},{MONEY[i]},{Y[i]}", "c,m,y"))
    table = load_source("table", path=str(tmp_path / "t.csv"))
    if option is None:
        assert not table.remarks
        return
    (alarm,) = table.remarks
    told = load_source("table", path=str(tmp_path / "t.csv"), **answers(alarm["message"]))
    assert isinstance(told, Table)
    assert not told.remarks
    assert option in answers(alarm["message"])
    found = np.asarray(told.columns["c"], dtype=object).tolist()
    assert (
        found == becomes if option == "categorical" else np.array_equal(found, becomes, equal_nan=option == "missing")
    )


def test_a_value_beyond_the_last_name_is_not_lost(tmp_path: Path) -> None:
    rows = [f"{AGE[i % N]},{Y[i % N]},{'late' if i == 250 else ''}\n" for i in range(300)]
    (tmp_path / "t.csv").write_text("age,y,\n" + "".join(rows))
    with pytest.raises(UserError, match=r"'late', in row 251, is in a column without a name"):
        load_source("table", path=str(tmp_path / "t.csv"))
