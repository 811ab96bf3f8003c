"""Tables at random, each from its number: sound ones, and ones with up to four faults."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

USUAL = {"header": None, "separator": None, "target": -1, "encoding": "utf-8-sig", "categorical": [], "drop": []}
USUAL |= {"positive": None, "imratio": None, "fold": None}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-7", "cp1252")
ODD = ["inf", "-inf", "nan", "1e308", "-1e308", "1e-320", "1e400", "9" * 40, "", "?", "NA", "0x1f", "1,5", "1_000"]
WORDS = ["a", "b", "c d", "é漢", "<b>", "'q'", "[red]", "2020-01-02", "true", " x ", "\u202e", "-", "#", "y" * 500]


def character(chance: random.Random) -> str:
    return chr(chance.choice([chance.randrange(32), chance.randrange(32, 127), chance.randrange(0xD800)]))


CELLS: dict[str, Callable[[random.Random], str]] = {
    "number": lambda chance: repr(chance.gauss(0, 10)),
    "count": lambda chance: str(chance.randint(-99, 99)),
    "plain": lambda chance: chance.choice(["red", "green", "blue", "dark red"]),
    "gaps": lambda chance: chance.choice(["1.5", "2", "", "-3"]),
    "constant": lambda _: "7",
    "huge": lambda chance: repr(chance.choice([1e300, -1e300, 1e38, 1e-300, 0.0])),
    "odd": lambda chance: chance.choice(ODD),
    "mixed": lambda chance: chance.choice([*ODD, *WORDS, "3", "4.5"]),
    "words": lambda chance: chance.choice(WORDS),
    "many": lambda chance: f"level {chance.randrange(10_000)}",
    "any": lambda chance: "".join(character(chance) for _ in range(chance.randrange(6))),
}
SOUND = ("number", "number", "count", "plain", "gaps")
TARGETS = [["0", "1"], ["1", "0", "0"], ["good", "bad"], ["no", "yes", "no"], ["-1", "1"], ["1", "2"], ["b", "b", "g"]]
ROUGH = [
    ["x"],
    ["0", "1", "2.5"],
    ["1", "2", "3"],
    ["0", "1", ""],
    ["a\n", "b"],
    ["0"] * 40 + ["1"],
    ["nan", "1"],
    ["é", "e"],
]


@dataclass
class Draft:
    """A table before it is written: its cells, how they are written, and how they are read."""

    cells: list[list[str]]
    mark: str
    quote: str = ""
    end: str = "\n"
    suffix: str = ".csv"
    encoding: str = "utf-8"
    options: dict[str, Any] = field(default_factory=dict)
    after: list[Callable[[bytes], bytes]] = field(default_factory=list)

    def content(self) -> bytes:
        """The file's bytes."""
        mark = self.mark
        lines = [mark.join(self.quote + cell + self.quote for cell in line) for line in self.cells]
        if self.suffix in (".arff", ".dat"):
            width = len(self.cells[0]) if self.cells else 1
            lines = [
                "@relation r",
                *(f"@attribute c{i} numeric" for i in range(width - 1)),
                "@attribute y {0,1}",
                "@data",
                *lines,
            ]
        content = (self.end.join(lines) + self.end).encode(self.encoding, errors="ignore")
        for change in self.after:
            content = change(content)
        return content


def draft(chance: random.Random) -> Draft:
    """A table that can be trained on, save for the faults that are then put in."""
    rows, width = chance.choice([30, 40, 60, 120]), chance.randint(1, 5)
    kinds, target = [chance.choice(SOUND) for _ in range(width)], chance.choice(TARGETS)
    cells = [[CELLS[kind](chance) for kind in kinds] + [target[row % len(target)]] for row in range(rows)]
    made = Draft(cells, mark=chance.choice(",,,;\t|"))
    if chance.randrange(3):
        made.cells.insert(0, [f"c{i}" for i in range(width)] + ["y"])
    elif chance.randrange(2):
        made.options["header"] = False
    if made.mark == "\t":
        made.suffix = ".tsv"
    for fault in chance.sample(FAULTS, k=chance.choice([0, 1, 1, 2, 2, 3, 4])):
        fault(made, chance)
    return made


def column(made: Draft, chance: random.Random) -> None:
    kind, place = chance.choice(sorted(CELLS)), chance.randrange(len(made.cells[0]))
    for line in made.cells[1:]:
        line[place % len(line)] = CELLS[kind](chance)


def cell(made: Draft, chance: random.Random) -> None:
    line = chance.choice(made.cells)
    line[chance.randrange(len(line))] = CELLS[chance.choice(["odd", "words", "any", "huge"])](chance)


def labels(made: Draft, chance: random.Random) -> None:
    target = chance.choice(ROUGH)
    for row, line in enumerate(made.cells[1:]):
        line[-1] = target[row % len(target)]


def leak(made: Draft, _: random.Random) -> None:
    for line in made.cells:
        line[0] = line[-1]


def ragged(made: Draft, chance: random.Random) -> None:
    place = chance.randrange(len(made.cells))
    made.cells[place] = made.cells[place] * chance.choice([0, 2]) or made.cells[place][:-1] or [""]


def fewer(made: Draft, chance: random.Random) -> None:
    del made.cells[chance.choice([0, 1, 2, 4, 8, 12]) :]
    made.cells = made.cells or [["y"]]


def copies(made: Draft, chance: random.Random) -> None:
    made.cells[1:] = [list(made.cells[-1]) if chance.randrange(2) else line for line in made.cells[1:]]


def names(made: Draft, chance: random.Random) -> None:
    made.cells[0] = [chance.choice(["", "c0", "y", *WORDS]) for _ in made.cells[0]]


def signs(made: Draft, chance: random.Random) -> None:
    made.quote, made.mark = chance.choice(["", '"', "'"]), chance.choice([",", " ", "x", "\x1f", ", ", ";"])
    made.end = chance.choice(["\n", "\r\n", "\r", "\n\n"])


def encoding(made: Draft, chance: random.Random) -> None:
    made.encoding = chance.choice(ENCODINGS)
    made.options["encoding"] = chance.choice([made.encoding, *ENCODINGS, "nothing", "rot13", "base64", ""])


def suffix(made: Draft, chance: random.Random) -> None:
    made.suffix = chance.choice([".tsv", ".txt", ".data", ".arff", ".dat", ".arff", ".dat", ".parquet", ".xls", ""])
    if made.suffix in (".arff", ".dat"):
        made.cells, made.mark = made.cells[chance.randrange(2) :], ","


def packed(made: Draft, chance: random.Random) -> None:
    made.suffix += ".gz"
    if chance.randrange(4):
        made.after.append(gzip.compress)


def cut(made: Draft, chance: random.Random) -> None:
    share, more = chance.random(), chance.randbytes(chance.randrange(4))
    made.after.append(lambda content: content[: int(share * len(content))] + more)


def option(made: Draft, chance: random.Random) -> None:
    odd: dict[str, list[Any]] = {
        "header": [True, False],
        "separator": [",", ";", "x", "", ",,", "\n", '"'],
        "target": ["y", 0, "c0", 99, 1.5, "", -2],
        "categorical": [["c0"], [0], ["no"], [None]],
        "drop": [["c0"], [-2], ["y"], [[1]]],
        "positive": [1, "yes", "1", 2, ">=1", ">=x", [], [1, 2], "", ">=1e999", {"a": 1}, True],
        "imratio": [0.1, 0.3, 0.9, 0.0, 1e-9],
        "fold": [0, 1, 9, 10],
    }
    key = chance.choice(sorted(odd))
    made.options[key] = chance.choice(odd[key])


# What goes wrong with tables; some more often than others.
FAULTS = [column, column, cell, cell, labels, leak, ragged, fewer, copies, names, signs, encoding, suffix, packed, cut]
FAULTS += [option, option, option]
