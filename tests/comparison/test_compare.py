"""The comparison against an independent reading of the same files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.statistics import holm, signed_rank_p
from surrogate_bench.errors import UserError

Write = Callable[..., Path]
CONTRACT = "dataset,model,loss,metric,n,mean,std,ci_low,ci_high,baseline,difference,p_value,p_holm"
HEADER = CONTRACT + ",pairs,difference_low,difference_high,p_rows,over"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["compare", *words]) == 0
    return capsys.readouterr().out


def lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    text = printed(capsys, *words, "--format", "csv")
    assert text.splitlines()[0] == HEADER
    return list(csv.DictReader(io.StringIO(text)))


def fill(write: Write, *, losses: tuple[str, ...] = ("bce", "soft_f1", "focal"), seeds: int = 6) -> None:
    for loss in losses:
        for seed in range(seeds):
            write(loss=loss, seed=seed)


def test_means_deviations_and_differences(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from scipy.stats import t, wilcoxon

    fill(fake_run, seeds=8)
    values: dict[str, dict[int, float]] = {}
    for file in outputs.rglob("result.json"):
        stored = json.loads(file.read_text())
        own = values.setdefault(stored["config"]["loss"]["name"], {})
        own[stored["config"]["seed"]] = stored["metrics"]["test"]["hard"]["f1"]
        share = stored["examples"]["test"]["total"] / stored["examples"]["train"]["total"]
    found = {line["loss"]: line for line in lines(capsys, str(outputs), "--metrics", "f1") if line["metric"] == "f1"}
    assert list(found) == ["bce", "focal", "soft_f1"]
    p_values = {}
    for loss, own in values.items():
        ordered, line = np.array([own[seed] for seed in range(8)]), found[loss]
        assert line["n"] == "8"
        assert float(line["mean"]) == pytest.approx(ordered.mean(), rel=1e-12)
        assert float(line["std"]) == pytest.approx(ordered.std(ddof=1), rel=1e-12)
        assert float(line["ci_low"]) < ordered.mean() < float(line["ci_high"])
        if loss != "bce":
            base = np.array([values["bce"][seed] for seed in range(8)])
            assert float(line["difference"]) == pytest.approx((ordered - base).mean(), rel=1e-9)
            assert float(line["p_rows"]) == pytest.approx(wilcoxon(ordered - base, method="exact").pvalue)
            assert line["over"] == "re-splits of this table"
            error = np.sqrt((ordered - base).var(ddof=1) * (1 / 8 + share))
            p_values[loss] = 2 * t.sf(abs((ordered - base).mean()) / error, 7)
            assert float(line["p_value"]) == pytest.approx(p_values[loss])
    smaller, larger = sorted(p_values, key=p_values.__getitem__)
    assert float(found[smaller]["p_holm"]) == pytest.approx(min(1, 2 * p_values[smaller]))
    assert float(found[larger]["p_holm"]) == pytest.approx(max(p_values[larger], min(1, 2 * p_values[smaller])))


def test_selection_looks_at_validation_alone(
    fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(3):
        fake_run(seed=seed, optimizer__lr=0.1, val={"f1": 0.2}, test={"f1": 0.99})  # the trap
        fake_run(seed=seed, optimizer__lr=0.01, val={"f1": 0.9}, test={"f1": 0.5})
        fake_run(seed=seed, optimizer__lr=0.001, val={"f1": 0.8}, test={"f1": 0.7})
    line = next(line for line in lines(capsys, str(outputs)) if line["metric"] == "f1")
    assert (line["n"], float(line["mean"])) == ("3", 0.5)
    assert "optimizer.lr (3 values)" in printed(capsys, str(outputs))


def test_a_lower_log_loss_is_the_better_one(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lr, value in ((0.1, 0.9), (0.01, 0.1)):
        fake_run(optimizer__lr=lr, val={"log_loss": value}, test={"f1": value})
    found = lines(capsys, str(outputs), "--select", "log_loss", "--metrics", "f1")
    assert float(found[0]["mean"]) == 0.1


def test_best_is_marked_with_ties_and_lower_is_better(fake_run: Write, outputs: Path) -> None:
    for loss, f1, brier in (("bce", 0.9, 0.3), ("focal", 0.90004, 0.1), ("soft_f1", 0.8, 0.2)):
        fake_run(loss=loss, test={"f1": f1, "brier": brier, "f1_soft": f1})
    (table,) = prepare(outputs, metrics=["f1", "brier"]).tables("means")
    marks = {line.label: [cell.best for cell in line.cells] for line in table.lines}
    names = [column.metric for column in table.columns]
    f1, soft, brier = (names.index(name) for name in ("f1", "f1_soft", "brier"))
    assert [marks[loss][f1] for loss in ("bce", "focal", "soft_f1")] == [True, True, False]
    assert [marks[loss][brier] for loss in ("bce", "focal", "soft_f1")] == [False, True, False]
    assert not any(own[soft] for own in marks.values())


def test_rows_blocks_and_baselines(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for dataset in ("breast_cancer", "digits"):
        for lr in (0.1, 0.01):
            for seed in range(2):
                fake_run(dataset=dataset, optimizer__lr=lr, seed=seed)
                fake_run(dataset=dataset, optimizer__lr=lr, seed=seed, loss="soft_f1")
    found = lines(capsys, str(outputs), "--rows", "loss,optimizer.lr", "--metrics", "f1")
    assert {line["dataset"] for line in found} == {"breast_cancer", "digits"}
    assert {line["loss"] for line in found} == {f"{loss} lr={lr}" for loss in ("bce", "soft_f1") for lr in (0.1, 0.01)}
    assert {line["baseline"] for line in found} == {"bce lr=0.1", "bce lr=0.01"}
    assert main(["compare", str(outputs), "--baseline", "sotf_f1"]) == 0
    assert "'soft_f1'" in capsys.readouterr().err


def test_a_row_whose_key_is_null_has_its_plain_name_and_is_the_baseline(
    fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        fake_run(seed=seed, loss__pos_weight=None)
        fake_run(seed=seed, loss__pos_weight="balanced")
        fake_run(seed=seed, loss="soft_f1")
    found = lines(capsys, str(outputs), "--rows", "loss,loss.pos_weight", "--metrics", "f1_tuned")
    assert [(line["loss"], line["baseline"]) for line in found] == [
        ("bce", "bce"),
        ("bce pos_weight=balanced", "bce"),
        ("soft_f1", "bce"),
    ]
    found = lines(capsys, str(outputs), "--rows", "dataset.imratio", "--metrics", "f1_tuned")
    assert {line["loss"] for line in found} == {"imratio=null"}


def test_what_is_missing_or_damaged_is_named(
    fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(fake_run, seeds=3)
    fake_run(loss="soft_mcc", seed=0)
    fake_run(loss="soft_mcc", seed=1, status="failed")
    fake_run(loss="soft_mcc", seed=2, status="diverged", alarms=("diverged",))
    (fake_run(seed=8) / "result.json").write_text('{"schema": 1')
    (fake_run(seed=9) / "result.json").write_text('{"schema": 99}')
    (outputs / "default" / "begun").mkdir()
    (outputs / "default" / "begun" / "config.yaml").touch()
    (outputs / "default" / "begun" / "environment.json").touch()
    assert main(["compare", str(outputs)]) == 0
    out, err = capsys.readouterr()
    assert "soft_mcc" in out
    for part in ("damaged", "schema 99", "unfinished", "soft_mcc has no result at seed 1"):
        assert part in err
    assert all(line.startswith("warning: ") for line in err.splitlines())


def test_unequal_budgets_are_named(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(2):
        fake_run(seed=seed)
        for lr in (0.1, 0.01):
            fake_run(loss="soft_f1", seed=seed, optimizer__lr=lr)
    assert main(["compare", str(outputs)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "unequal budgets" in err
    assert "1 for bce; 2 for soft_f1" in err
    assert main(["compare", str(outputs), "--unequal"]) == 0
    assert "warning: breast_cancer, mlp: unequal budgets" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "no such folder"),
        (["{}", "--metrics", "f3"], "unknown metric 'f3'"),
        (["{}", "--rows", "optimizer.lrr"], "'optimizer.lr'"),
        (["{}", "--select", "aurco"], "'auroc'"),
        (["{}", "--format", "xls"], "xls"),
        (["{}", "--metric", "f1"], "'--metrics'"),
        (["{}", "--out", "nowhere/table.md"], "no folder"),
        (["{}", "--curves", "curves.gif"], ".png"),
        (["{}", "--curves", "curves.png"], "metrics.jsonl"),
    ],
)
def test_wrong_words(
    words: list[str], says: str, fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(fake_run, seeds=2)
    before = sorted(outputs.rglob("*"))
    assert main(["compare", *(word.format(outputs) for word in words)]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert sorted(outputs.rglob("*")) == before


def test_folds_are_named_as_what_they_are(fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for loss, folds in {"bce": (0, 1, 2), "soft_f1": (0, 2)}.items():
        for fold in folds:
            for seed in (0, 1):
                fake_run(loss=loss, seed=seed, dataset__fold=fold, dataset__folds=10)
    assert main(["compare", str(outputs)]) == 0
    out, err = capsys.readouterr()
    assert "soft_f1 has no result at seed 0 fold 1, 1 fold 1 (n = 4 of 6)" in err
    assert "Each fold of a seed counts as a seed." in " ".join(out.split())


def test_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path)]) == 2
    assert "no run to compare" in capsys.readouterr().err


EVIL = "a|b & c_d <script>alert(1)</script> [red]x[/red] $\\x{" + "y" * 300 + "\nz"


@pytest.mark.parametrize("form", ["table", "md", "latex", "csv", "html"])
def test_names_mean_nothing_to_a_format(form: str, outputs: Path, fake_run: Write, tmp_path: Path) -> None:
    labels = {"dataset": EVIL, "model": EVIL, "loss": EVIL}
    for seed in range(3):
        fake_run(
            seed=seed, labels={**labels, "model": "mlp"} if seed == 9 else {"dataset": EVIL, "model": "m", "loss": EVIL}
        )
    file = tmp_path / "out.txt"
    assert main(["compare", str(outputs), "--format", form, "--out", str(file)]) == 0
    text = file.read_text()
    assert "alert" in text
    if form == "html":
        assert "<script>alert" not in text
    if form == "latex":
        tabulars = re.findall(r"\\begin{tabular}.*?\\end{tabular}", text, re.DOTALL)
        assert tabulars
        for tabular in tabulars:
            rows = re.findall(r"^ {4}(.*) \\\\$", tabular, re.MULTILINE)
            assert len(rows) > 1
            assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows if "multicolumn" not in row}) == 1
    if form == "md":
        table = [line for line in text.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    if form == "csv":
        assert {line["n"] for line in csv.DictReader(io.StringIO(text))} == {"3"}


def test_a_file_is_written_whole_or_not_at_all(fake_run: Write, outputs: Path, tmp_path: Path) -> None:
    fill(fake_run, seeds=2)
    file = tmp_path / "table.md"
    file.write_text("old")
    assert main(["compare", str(outputs), "--out", str(file)]) == 0
    assert file.read_text().startswith("**Which loss for F1?** ")
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "table.md"}


def test_curves(fake_run: Write, outputs: Path, tmp_path: Path) -> None:
    for loss in ("bce", "soft_f1"):
        for seed in range(2):
            epochs = [{"epoch": e, "val_f1": e / 9, "val_f1_soft": e / 10} for e in range(1, 6)]
            text = "".join(json.dumps(line) + "\n" for line in epochs)
            (fake_run(loss=loss, seed=seed) / "metrics.jsonl").write_text(text)
    assert main(["compare", str(outputs), "--curves", str(tmp_path / "c.png")]) == 0
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "c.png"}


def test_statistics() -> None:
    from scipy.stats import wilcoxon

    rng = np.random.default_rng(0)
    for n in (3, 7, 12, 30, 60):
        differences = rng.normal(0.2, 1, n).tolist()
        method = "exact" if n <= 50 else "asymptotic"
        assert signed_rank_p(differences) == pytest.approx(wilcoxon(differences, method=method).pvalue)
    assert signed_rank_p([0.0, 0.0]) == 1.0
    assert signed_rank_p([0.1]) is None
    assert signed_rank_p([1.0, 1.0, 1.0]) == pytest.approx(0.25)  # ties: all signs alike, 2 of 8
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])


def test_nothing_to_compare(fake_run: Write, outputs: Path) -> None:
    fake_run(status="failed")
    with pytest.raises(UserError, match="1 failed"):
        prepare(outputs)


def test_every_refusal_comes_before_anything_is_written(
    fake_run: Write, outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for loss in ("bce", "soft_f1"):
        for dataset in ("breast_cancer", "digits"):
            (fake_run(loss=loss, dataset=dataset) / "metrics.jsonl").write_text('{"epoch": 1, "val_f1": 0.5}\n')
    pictures = ["--curves", str(tmp_path / "c.svg"), "--ranks", str(tmp_path / "r.svg")]
    one = str(outputs / "one")
    (outputs / "one").mkdir()
    for folder in (outputs / "default").iterdir():
        if json.loads((folder / "result.json").read_text())["config"]["dataset"]["name"] == "digits":
            folder.rename(outputs / "one" / folder.name)
    before = sorted(tmp_path.rglob("*"))
    assert main(["compare", one, *pictures, "--out", str(tmp_path / "t.md")]) == 2
    assert "ranks need two data sets" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    for file in outputs.rglob("metrics.jsonl"):
        file.unlink()
    before = sorted(tmp_path.rglob("*"))
    assert main(["compare", str(outputs), *pictures]) == 2
    assert "metrics.jsonl" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("form", ["table", "md", "latex"])
def test_the_legend_says_what_its_view_shows(
    form: str, fake_run: Write, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for dataset in ("breast_cancer", "digits"):
        for loss in ("bce", "soft_f1", "dice"):
            for seed in range(3):
                fake_run(dataset=dataset, loss=loss, seed=seed)

    def said(*words: str) -> str:
        text = printed(capsys, str(outputs), "--format", form, *words)
        return " ".join(text.replace("$\\pm$", "±").split())

    sentences = (
        "Test values: mean ± standard deviation over n seeds.",
        "0.5 and tuned are",
        "soft is on",
        "Best means",
    )
    shown = {
        ("--view", "means"): (True, True, True, True),
        ("--view", "means", "--metrics", "auroc"): (True, False, False, True),
        ("--view", "means", "--metrics", "f1_tuned"): (True, True, False, True),
        ("--view", "differences"): (False, False, False, False),
        ("--view", "ranks"): (False, False, False, False),
    }
    for words, expected in shown.items():
        assert tuple(sentence in said(*words) for sentence in sentences) == expected, words
    assert "Test values: mean over n seeds." in said("--view", "trade-off")
    if form == "md":
        assert "| f1_0.5: difference | f1_0.5: 95 % interval | f1_0.5: p |" in said("--view", "differences")
        assert "| f1 (0.5) | f1 (tuned) | f1 (soft) |" in re.sub(" +", " ", said("--view", "means"))


def test_a_table_says_where_validation_is_the_training_part(fake_run: Write, outputs: Path) -> None:
    for loss in ("bce", "dice"):
        fake_run(loss=loss, dataset__validation=0.0)
    (table,) = prepare(outputs, metrics=["f1"], warn=lambda _: None).tables("means")
    assert "what is tuned on validation is tuned on the training rows" in table.note
