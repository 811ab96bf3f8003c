"""Tables that the program does not read: how each becomes one that it does, as a command to copy."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shlex
import sqlite3
from pathlib import Path
from typing import NoReturn

from surrogate_bench.errors import UserError

# pandas' reader by the ending of a file's name, and what pandas needs beside itself.
READERS = {
    "read_excel({})": (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
    "read_json({}, lines=True)": (".jsonl", ".ndjson"),
    "read_json({})": (".json",),
    "read_spss({})": (".sav", ".zsav"),
    "read_stata({})": (".dta",),
    "read_sas({})": (".sas7bdat", ".xpt"),
    "read_feather({})": (".feather", ".arrow", ".ipc"),
    "read_orc({})": (".orc",),
    "read_pickle({})": (".pkl", ".pickle"),
    "read_hdf({})": (".h5", ".hdf", ".hdf5"),
    "read_xml({})": (".xml",),
    "read_html({})[0]": (".html", ".htm"),
    "read_csv({})": (".zip", ".bz2", ".xz", ".zst"),
}
NEEDED = {
    ".xlsx": "openpyxl",
    ".xlsm": "openpyxl",
    ".xls": "xlrd",
    ".xlsb": "pyxlsb",
    ".ods": "odfpy",
    ".sav": "pyreadstat",
    ".zsav": "pyreadstat",
    ".h5": "tables",
    ".hdf": "tables",
    ".hdf5": "tables",
    ".xml": "lxml",
    ".html": "lxml",
    ".htm": "lxml",
    ".zst": "zstandard",
}
DATABASES = (".db", ".sqlite", ".sqlite3")
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def refuse(word: str, option: str) -> None:
    """Raises UserError, which says what to do, for an address, a folder, and a file of another program's kind."""
    file = Path(word)
    if ADDRESS.match(word):
        name = word.partition("?")[0].rstrip("/").rpartition("/")[2] or "table.csv"
        get = shlex.join(["curl", "-Lo", name, word])
        raise UserError(
            f"{word!r} is an address, and the program reads files: {get} gets it, then {_said(option, name)}"
        )
    if file.is_dir():
        held = sorted(each for each in file.iterdir() if each.is_file() and each.suffix in (".csv", ".tsv", ".parquet"))
        example = f", as {_said(option, str(held[0]))}" if held else ""
        raise UserError(f"{word!r} is a folder: name one file{example}")
    ending = file.suffix.lower()
    inner = file.with_suffix("")
    if ending == ".gz" and inner.suffix.lower() in (*itertools.chain(*READERS.values()), *DATABASES):
        unpack = shlex.join(["gunzip", "-k", word])
        raise UserError(
            f"unknown kind of table {inner.suffix + ending!r}: {unpack} unpacks it, then {_said(option, str(inner))}"
        )
    reader = next((reader for reader, endings in READERS.items() if ending in endings), None)
    if ending == ".sql":
        base = str(file.with_suffix(".db"))
        code = f"import sqlite3; sqlite3.connect({_text(base)}).executescript(open({_text(word)}).read())"
        command = shlex.join(["python", "-c", code])
        raise UserError(f"unknown kind of table '.sql': {command} makes a database of it, then {_said(option, base)}")
    if ending in DATABASES:
        found = f"pandas.read_sql({_text(_query(file))}, sqlite3.connect({_text(word)}))"
    elif reader:
        found = f"pandas.{reader.format(_text(word))}"
    else:
        return
    name = str(file.with_suffix("")) if file.with_suffix("").suffix == ".csv" else str(file.with_suffix(".csv"))
    modules = "pandas, sqlite3" if ending in DATABASES else "pandas"
    command = shlex.join(["python", "-c", f"import {modules}; {found}.to_csv({_text(name)}, index=False)"])
    needs = f" (after pip install {NEEDED[ending]})" if ending in NEEDED else ""
    raise UserError(f"unknown kind of table {ending!r}: {command} converts it{needs}, then {_said(option, name)}")


def rewrite(file: Path, code: str, why: str) -> NoReturn:
    """Raises UserError with Python's `code` that makes a CSV, {1}, of a file, {0}."""
    name = str(file.with_name(f"{file.name.partition('.')[0]}-table.csv"))
    command = shlex.join(["python", "-c", code.format(_text(str(file)), _text(name))])
    raise UserError(f"{file}: {why}: {command} converts it, then {_said('path', name)}")


def _query(file: Path) -> str:
    """The code that reads the first table of an SQLite database."""
    name = "TABLE"
    place = f"{file.resolve().as_uri()}?mode=ro"
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(place, uri=True)) as base:
        (name,) = base.execute("select name from sqlite_master where type = 'table'").fetchone() or (name,)
    return f"select * from [{name}]"


def _text(text: str) -> str:
    """A text in Python, in quotes that a shell's do not end."""
    return json.dumps(text, ensure_ascii=False)


def _said(option: str, value: str) -> str:
    plain = re.fullmatch(r"[\w./:+-]+", value, re.ASCII)
    return shlex.quote(f"dataset.{option}={value}" if plain else f'dataset.{option}="{value}"')
