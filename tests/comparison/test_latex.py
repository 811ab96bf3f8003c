"""LaTeX: narrow enough for a column of two, every column once, numbers as siunitx reads them, and a name for each."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.formats.latex import render
from surrogate_bench.comparison.formats.paging import pages
from surrogate_bench.comparison.views import VIEWS

Write = Callable[..., Path]


@pytest.fixture
def two(fake_run: Write, outputs: Path) -> Path:
    """Two data sets, three losses, six seeds; of focal one seed is missing, and its runs raised an alarm."""
    for d in range(2):
        for i, loss in enumerate(("bce", "soft_f1", "focal")):
            for seed in range(6 - (loss == "focal")):
                alarms = [{"name": "one_class"}] if loss == "focal" else []
                fake_run(
                    dataset=f"breast_cancer_{d}",
                    loss=loss,
                    seed=seed,
                    test={"f1": 0.5 + i / 10 + (seed + d) / 100, "f1_tuned": 0.25 * seed, "log_loss": 12.0 + seed},
                    result={"alarms": alarms},
                )
    return outputs


def written(outputs: Path, *, view: str, metrics: str = "f1,f1_tuned,precision,recall,log_loss") -> str:
    return render(prepare(outputs, view=view, metrics=metrics.split(","), warn=lambda _: None))


def tabulars(text: str) -> list[str]:
    return re.findall(r"\\begin{tabular}.*?\\end{tabular}", text, re.DOTALL)


def test_a_column_of_numbers_is_one_for_siunitx(two: Path) -> None:
    table = written(two, view="means", metrics="f1").split(r"\end{table}")[0]
    assert r"\begin{tabular}{lrS[table-format=1.3(2)]S[table-format=1.3(3)]" in table
    assert r"bce & 6 & 0.525 +- 0.019 & \bfseries 0.625 +- 0.468 & " in table
    assert r"focal & 5 & \bfseries 0.720 +- 0.016 & \bfseries 0.500 +- 0.395 & " in table
    assert r"0.525(19) is 0.525 $\pm$ 0.019." in table
    assert r"Seeds: focal 5 of 6. Alarms: focal one\_class." in table


def test_a_wide_table_is_cut_between_columns(two: Path) -> None:
    tables = written(two, view="means").split(r"\begin{table}")[1:]
    assert len(tables) == 2
    for table in tables:
        parts = tabulars(table)
        assert len(parts) > 1
        heads = [part.split(r"\midrule")[0] for part in parts]
        for name in ("{f1}", "{precision}", "{recall}", r"{log\_loss}"):
            assert sum(name in head for head in heads) == 1, name
        assert all(part.count(r"soft\_f1 & ") == 1 for part in parts)


def test_every_table_has_a_label_of_its_own(two: Path) -> None:
    text = written(two, view="means,differences,datasets")
    labels = re.findall(r"\\label{(.*)}", text)
    assert labels[:2] == ["tab:mlp-f1-at-threshold-0-5-on-2-data-sets", "tab:breast-cancer-0-mlp"]
    assert len(labels) == len(set(labels)) == text.count(r"\begin{table}")


@pytest.mark.parametrize("room", [1, 5, 9, 30])
def test_portions_hold_all_columns_in_order(room: int) -> None:
    widths, groups = [3, 2, 2, 4, 4, 9], ["a", "b", "b", "c", "c", "d"]
    found = pages(widths, groups, room)
    assert [i for page in found for i in page] == list(range(6))
    for page in found:
        assert len(page) == 1 or sum(widths[i] for i in page) <= room
    if room == 9:
        assert found == [[0, 1, 2], [3, 4], [5]]


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs TeX with siunitx")
def test_it_compiles_within_a_column_of_two(two: Path, tmp_path: Path) -> None:
    tables = tmp_path / "tables.tex"
    assert main(["compare", str(two), "--view", ",".join(VIEWS), "--unequal", "--out", str(tables)]) == 0
    packages = r"\usepackage[T1]{fontenc}\usepackage{array,booktabs,siunitx}"
    page = rf"\documentclass[twocolumn]{{article}}{packages}\begin{{document}}\input{{tables}}\end{{document}}"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stdout[-2000:]
    assert "Overfull" not in said.stdout
