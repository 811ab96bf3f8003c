"""The HTML page: its numbers in Python, and all that a reader does with it in a real browser."""

from __future__ import annotations

import csv
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_curve, roc_curve

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.formats.page import embedded
from surrogate_bench.comparison.formats.page.compact import compact, slim
from surrogate_bench.comparison.formats.page.content import content
from surrogate_bench.comparison.formats.page.prediction_curves import GRID, PREDICTIONS, prediction_curves
from surrogate_bench.comparison.select import Row
from surrogate_bench.comparison.verdict import verdict
from surrogate_bench.metrics.names import names

Write = Callable[..., Path]
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=http://example.invalid/x onerror=\"document.title='owned'\">",
    "\"'><svg onload=document.title='owned'>{{data}}{mark}",
    "&lt;b&gt; \u2028 \u202e ]]> <!-- ",
)


def keep(folder: Path, seed: int, *, epochs: int = 4, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Gives a run that nobody trained predictions and training curves."""
    rng = np.random.default_rng(seed)
    targets = (rng.random(200) < 0.3).astype(np.float32)
    logits = (rng.normal(0, 1.5, 200) + 2 * targets - 1).astype(np.float32)
    logits = logits.round() if ties else logits
    np.savez(folder / PREDICTIONS, test_logits=logits, test_targets=targets)
    lines = [{"epoch": e + 1, "val_f1": e / epochs, "val_f1_soft": e / epochs / 2} for e in range(epochs)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "environment.json").write_text(json.dumps({"python": "3.12", "cpu": "a processor", "gpus": []}))
    return logits, targets


def row_of(outputs: Path) -> Row:
    return prepare(outputs).blocks[0].rows[0]


@pytest.mark.parametrize("ties", [False, True])
def test_curves_are_scikit_learns(fake_run: Write, outputs: Path, ties: bool) -> None:
    logits, targets = keep(fake_run(), 0, ties=ties)
    curves = prediction_curves(row_of(outputs), ["f1"], set())
    probability = 1 / (1 + np.exp(-logits.astype(float)))
    fpr, tpr, _ = roc_curve(targets, logits, drop_intermediate=False)
    inner = (np.abs(GRID[:, None] - fpr) > 1e-9).all(1)
    expected = [_between(x, fpr, tpr) for x in GRID[inner]]
    np.testing.assert_allclose(np.array(curves["roc"]["mean"])[inner] / 1000, expected, atol=6e-4)
    corner = GRID[~inner]
    expected = [tpr[np.abs(fpr - x) < 1e-9].max() for x in corner]
    np.testing.assert_allclose(np.array(curves["roc"]["mean"])[~inner] / 1000, expected, atol=6e-4)
    precision, recall, _ = precision_recall_curve(targets, logits)
    expected = [precision[:-1][recall[:-1] >= r - 1e-12][-1] for r in GRID]
    np.testing.assert_allclose(np.array(curves["pr"]["mean"]) / 1000, expected, atol=6e-4)
    # Every threshold metric has such a curve.
    assert set(prediction_curves(row_of(outputs), names("threshold"), set())["threshold"]) == set(names("threshold"))
    expected = [f1_score(targets, probability > t, zero_division=0) for t in GRID]
    np.testing.assert_allclose(np.array(curves["threshold"]["f1"]["mean"]) / 1000, expected, atol=6e-4)


def _between(x: float, fpr: np.ndarray, tpr: np.ndarray) -> float:
    """The ROC curve strictly between two corners, read naively."""
    left = np.flatnonzero(fpr < x)[-1]
    right = np.flatnonzero(fpr > x)[0]
    return float(tpr[left] + (tpr[right] - tpr[left]) * (x - fpr[left]) / (fpr[right] - fpr[left]))


def test_seeds_are_averaged_and_damaged_files_left_out(fake_run: Write, outputs: Path) -> None:
    folders = [fake_run(seed=seed) for seed in range(4)]
    for seed in (0, 1):
        keep(folders[seed], seed)
    (folders[2] / PREDICTIONS).write_bytes(b"PK\x03\x04 half of a file")
    np.savez(folders[3] / PREDICTIONS, test_logits=np.zeros(5), test_targets=np.zeros(5))
    damaged: set[Path] = set()
    curve = prediction_curves(row_of(outputs), ["f1"], damaged)["roc"]
    assert damaged == {folders[2] / PREDICTIONS}
    assert curve["n"] == 2
    assert len(curve["mean"]) == len(curve["std"]) == len(GRID)


def test_the_answer_is_honest(fake_run: Write, outputs: Path) -> None:
    def said() -> str:
        comparison = prepare(outputs)
        return verdict(comparison).which

    for seed in range(3):
        fake_run(loss="bce", seed=seed, test={"f1": 0.5 + seed / 100})
        fake_run(loss="soft_f1", seed=seed, test={"f1": 0.7 + seed / 50})
    assert "soft_f1 has the highest test F1" in said()
    assert "over 3 re-splits of this table; fewer than 6 cannot tell it from chance" in said()
    for seed in range(3, 12):
        fake_run(loss="bce", seed=seed, test={"f1": 0.5 + seed / 100})
        fake_run(loss="soft_f1", seed=seed, test={"f1": 0.7 + seed / 50})
    assert "more than chance explains" in said()
    for seed in range(12):
        fake_run(dataset="digits", loss="bce", seed=seed, test={"f1": 0.9})
        fake_run(dataset="digits", loss="soft_f1", seed=seed, test={"f1": 0.1 + seed / 50})
    assert "bce and soft_f1 share the best average rank by test F1 at threshold 0.5: 1.50 of 2." in said()
    assert "With one comparison on 2 data sets no corrected p is below 0.5" in said()
    within = "Of 2 differences to bce within single data sets, 1 to the better and 1 to the worse are beyond chance"
    assert f"{within} over re-splits of each table (Holm's method over all 2)." in said()


@pytest.mark.parametrize(
    ("monitors", "metrics", "view"),
    [
        (("f1_tuned",), None, "at the tuned threshold"),
        (("f1_tuned",), ["f1"], "at the tuned threshold"),
        (("f1_tuned",), ["f1", "auroc"], "at the tuned threshold"),
        (("f1", "f1_tuned"), None, "at the tuned threshold"),
        (("f1",), None, "at threshold 0.5"),
        (("f1",), ["f1"], "at threshold 0.5"),
        (("f1_tuned",), ["mcc"], "at the tuned threshold"),
        (("f1_tuned",), ["auroc", "f1"], ""),
    ],
)
def test_the_answer_is_about_the_threshold_of_the_monitor(
    monitors: tuple[str, ...], metrics: list[str] | None, view: str, fake_run: Write, outputs: Path
) -> None:
    for monitor in monitors:
        fake_run(trainer__monitor=monitor, seed=len(monitor), test={"f1": 0.9, "f1_tuned": 0.3, "mcc_tuned": 0.3})
    comparison = prepare(outputs, metrics=metrics)
    said = verdict(comparison).which
    assert view in said
    assert view or "threshold" not in said
    assert ("0.300" in said) == (view == "at the tuned threshold")


@pytest.mark.parametrize("monitor", ["f1", "f1_tuned"])
def test_differences_are_told_at_both_thresholds(monitor: str, fake_run: Write, outputs: Path) -> None:
    for seed in range(3):
        for loss in ("bce", "soft_f1"):
            fake_run(loss=loss, seed=seed, trainer__monitor=monitor)
    (table,) = prepare(outputs).tables("differences")
    assert {column.about for column in table.columns} == {"f1_0.5", "f1_tuned"}


def test_a_run_says_how_to_repeat_it(tmp_path: Path) -> None:
    words = ["optimizer.lr=0.01", "model=linear", "trainer.epochs=1", f"output={tmp_path / 'o'}", "launcher.workers=1"]
    assert main(words) == 0
    (run,) = content(prepare(tmp_path / "o"))["runs"]
    assert re.fullmatch(r"surrogate-bench dataset=\S+ model=linear loss=\S+ optimizer=adam .*", run["command"])
    assert "optimizer.lr=0.01" in run["command"]
    assert str(tmp_path) not in run["command"]


def test_embedded_json_is_the_data_and_no_markup() -> None:
    data = {name: list(HOSTILE) for name in HOSTILE}
    text = embedded(data)
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("needs chromium and chromedriver on PATH")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in ("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    for word in ("background-networking", "component-update", "sync"):
        options.add_argument(f"--disable-{word}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    driver.get("about:blank")
    yield driver
    driver.quit()


def texts(browser: Any, table: str, column: int) -> list[str]:
    """A column of a table as it is shown, once it is in the window: what is far from it is not laid out."""
    script = """const [table, column, done] = arguments;
      const box = document.querySelector(`.scroll[aria-label="${table}"]`);
      const told = () => [...box.querySelectorAll('tbody tr:not(.detail)')].map((row) => row.cells[column].innerText);
      box.scrollIntoView();
      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(told()))))"""
    return browser.execute_async_script(script, table, column)


def press(browser: Any, table: str, heading: str) -> None:
    """Sorts a table by a column as the keyboard does."""
    from selenium.webdriver.common.keys import Keys

    path = f"//div[@aria-label='{table}']//thead//button[text()='{heading}']"
    browser.find_element("xpath", path).send_keys(Keys.ENTER)


def opened(browser: Any, outputs: Path, *words: str) -> str:
    """Writes the page and opens it; returns its address."""
    file = outputs.parent / "page.html"
    assert main(["compare", str(outputs), "--out", str(file), *words]) == 0
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(file.as_uri())
    return file.as_uri()


def quiet(browser: Any, address: str) -> None:
    """Nothing was asked of the network, and the console has nothing to say."""
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    # On a busy machine the browser's own first tab is still loading when the page opens.
    asked = [e["request"]["url"] for e in sent if not e["documentURL"].startswith("chrome")]
    assert address in asked
    assert [url for url in asked if url != address and not url.startswith("data:")] == []


def test_sort_filter_theme_and_print(browser: Any, fake_run: Write, outputs: Path) -> None:
    for seed in range(11):
        for dataset in ("breast_cancer", "digits"):
            for k, loss in enumerate(("bce", "soft_f1", "auroc_hinge")):
                folder = fake_run(loss=loss, dataset=dataset, seed=seed, test={"f1": k / 7 + seed / 99})
                if seed < 2:
                    keep(folder, seed)
    fake_run(loss="bce", seed=11, dataset="digits", status="failed", result={"reason": "no <memory> left"})
    address = opened(browser, outputs)

    before = texts(browser, "Runs", 0)
    press(browser, "Runs", "seed")
    seeds = texts(browser, "Runs", 2)
    assert seeds == sorted(seeds, key=int)
    # Stable: within a seed, the order of before.
    assert [row for row, s in zip(texts(browser, "Runs", 0), seeds, strict=True) if s == "3"] == list(
        dict.fromkeys(before)
    ) * 2
    press(browser, "Runs", "seed")
    assert texts(browser, "Runs", 2) == sorted(seeds, key=int, reverse=True)
    for _ in range(2):
        press(browser, "Runs", "test")
        assert texts(browser, "Runs", 6)[-1] == "–"
    assert browser.find_element("css selector", "[aria-label='Runs'] th[aria-sort='ascending']").text.startswith("test")

    box = browser.find_element("xpath", "//div[@aria-label='Runs']/preceding-sibling::div//input")
    box.send_keys("memory FAILED")
    assert len(texts(browser, "Runs", 0)) == 1
    box.clear()
    box.send_keys("x\b")
    families = browser.find_element(
        "xpath", "//div[@aria-label='Runs']/preceding-sibling::div//select[@aria-label='Family']"
    )
    families.find_element("xpath", "./option[.='AUROC']").click()
    assert set(texts(browser, "Runs", 0)) == {"auroc_hinge"}
    sets = browser.find_element(
        "xpath", "//div[@aria-label='Results']/preceding-sibling::div//select[@aria-label='Data set']"
    )
    sets.find_element("xpath", "./option[contains(., 'digits')]").click()
    assert set(texts(browser, "Results", 1)) == {"digits"}

    def paper() -> str:
        return browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor")

    colours = []
    for _ in range(3):
        browser.find_element("id", "theme").click()
        colours.append(paper())
    assert colours[0] != colours[1]
    assert colours[2] in colours[:2]

    browser.find_element("css selector", "[aria-label='Runs'] .open-row").click()
    assert "trainer.epochs" in browser.find_element("css selector", "tr.detail:not([hidden])").text
    assert len(browser.find_elements("css selector", "details[open] .chart")) == 4
    assert browser.execute_script("return document.querySelectorAll('#ranks svg').length") == 1
    browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert browser.execute_script("return document.querySelectorAll('.chart').length") == 8
    quiet(browser, address)


def test_what_a_reader_chose_stays_in_the_address(browser: Any, fake_run: Write, outputs: Path) -> None:
    for seed in range(3):
        for k, loss in enumerate(("bce", "soft_f1", "dice")):
            fake_run(loss=loss, seed=seed, test={"f1": k / 7 + seed / 99})
    opened(browser, outputs)
    press(browser, "Runs", "test")
    box = browser.find_element("xpath", "//div[@aria-label='Runs']/preceding-sibling::div//input")
    box.send_keys("f1")
    browser.find_element("xpath", "//button[text()='difference to bce' and @aria-pressed]").click()
    shown = texts(browser, "Runs", 0)
    means = texts(browser, "Results", 4)
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    assert texts(browser, "Runs", 0) == shown
    assert texts(browser, "Results", 4) == means
    assert (
        browser.find_element("xpath", "//div[@aria-label='Runs']/preceding-sibling::div//input").get_attribute("value")
        == "f1"
    )
    assert {heading.get_attribute("id") for heading in browser.find_elements("css selector", "main section")} >= {
        "results",
        "runs",
    }


def test_tables_are_saved_as_they_are_shown(browser: Any, fake_run: Write, outputs: Path, tmp_path: Path) -> None:
    for seed in range(3):
        for k, loss in enumerate(("bce", "=soft_f1")):
            fake_run(loss=loss, labels={"dataset": "d", "model": "m", "loss": loss}, seed=seed, test={"f1": k / 7})
    opened(browser, outputs)
    down = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", down)
    from selenium.webdriver.support.ui import WebDriverWait

    for label, name in (("CSV", "runs.csv"), ("LaTeX", "runs.tex")):
        browser.find_element("xpath", f"//section[@id='runs']//button[text()='{label}']").click()
        WebDriverWait(browser, 60).until(lambda _, file=tmp_path / name: file.is_file() and file.stat().st_size)
    lines = list(csv.DictReader((tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()))
    assert [line["run of"] for line in lines] == texts(browser, "Runs", 0)[:3] + ["'=soft_f1"] * 3
    assert [float(line["F1 0.5 test"]) for line in lines[3:]] == pytest.approx([1 / 7] * 3, abs=1e-6)
    text = (tmp_path / "runs.tex").read_text(encoding="utf-8")
    assert text.count(r" \\") == 7
    assert r"\label{tab:runs}" in text
    assert r"=soft\_f1 & 0" in text


def test_many_runs_are_drawn_as_they_are_scrolled_to(browser: Any, fake_run: Write, outputs: Path) -> None:
    for seed in range(450):
        fake_run(seed=seed)
    address = opened(browser, outputs)
    rows = "return document.querySelectorAll('[aria-label=Runs] tbody tr:not(.detail)').length"
    assert 200 <= browser.execute_script(rows) < 450
    from selenium.webdriver.support.ui import WebDriverWait

    def at_the_end(_: Any) -> bool:
        browser.execute_script(
            "const box = document.querySelector('[aria-label=Runs]');"
            "box.scrollIntoView(); box.scrollTop = box.scrollHeight"
        )
        return browser.execute_script(rows) == 450

    WebDriverWait(browser, 60).until(at_the_end)
    quiet(browser, address)


@pytest.mark.parametrize(("metric", "better"), [("f1", "d0"), ("log_loss", "d1")])
def test_cells_are_coloured_by_what_is_better(
    browser: Any, fake_run: Write, outputs: Path, metric: str, better: str
) -> None:
    for dataset, gain in (("d0", 0.1), ("d1", -0.1)):
        for loss, own in (("bce", 0.0), ("dice", gain)):
            fake_run(dataset=dataset, loss=loss, test={metric: 0.5 + own}, trainer__monitor=metric)
    opened(browser, outputs, "--metrics", metric)
    found = browser.execute_script(
        "return [...document.querySelectorAll('td.better, td.worse')].map((cell) => [cell.textContent, cell.className])"
    )
    assert len(found) == 2
    shown = {"d0": "0.600", "d1": "0.400"}
    assert {text for text, names in found if "better" in names} == {shown[better]}
    assert {text for text, names in found if "worse" in names} == {*shown.values()} - {shown[better]}


def test_a_large_page_is_packed_and_shows_the_same(
    browser: Any, fake_run: Write, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        for loss in ("bce", "dice"):
            fake_run(loss=loss, seed=seed, alarms=("low_recall",))

    from selenium.webdriver.support.ui import WebDriverWait

    def shown() -> list[str]:
        opened(browser, outputs)
        # A packed page reads its runs when a reader comes to them.
        WebDriverWait(browser, 20).until(lambda _: browser.execute_script("return document.querySelector('#runs')"))
        browser.execute_script("document.querySelector('#runs').scrollIntoView()")
        done = "return document.querySelector('#runs table') !== null"
        WebDriverWait(browser, 20).until(lambda _: browser.execute_script(done))
        return browser.execute_script(
            "return [...document.querySelectorAll('main td')].map((cell) => cell.textContent)"
        )

    plain = shown()
    assert "6 runs: bce on " in browser.find_element("id", "before-you-trust-this").text
    monkeypatch.setattr("surrogate_bench.comparison.formats.page.PACKED_FROM", 0)
    assert shown() == plain
    assert "data-packed" in browser.page_source


def test_runs_that_are_read_late_move_nothing_that_a_reader_has_gone_to(
    browser: Any, fake_run: Write, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    for seed in range(2):
        for loss in ("bce", "dice", *(f"l{i}" for i in range(30))):
            fake_run(loss=loss, seed=seed)
    monkeypatch.setattr("surrogate_bench.comparison.formats.page.PACKED_FROM", 0)
    opened(browser, outputs)
    WebDriverWait(browser, 20).until(lambda _: browser.execute_script("return document.querySelector('#runs')"))
    time.sleep(0.5)
    assert not browser.execute_script("return document.querySelector('#runs table')")
    browser.execute_script("location.hash = '#data-and-machine'")
    WebDriverWait(browser, 20).until(lambda _: browser.execute_script("return document.querySelector('#runs table')"))
    time.sleep(0.5)
    at = "const {top} = document.querySelector('#data-and-machine').getBoundingClientRect(); return top / innerHeight"
    assert -0.05 < browser.execute_script(at) < 1


def test_folds_are_called_folds(fake_run: Write, outputs: Path) -> None:
    for fold in range(3):
        fake_run(dataset__fold=fold, dataset__folds=3)
    comparison = prepare(outputs)
    assert [(run["seed"], run["fold"]) for run in content(comparison)["runs"]] == [(0, 0), (0, 1), (0, 2)]
    assert "over 3 folds." in verdict(comparison).which


def test_runs_as_columns_are_the_runs() -> None:
    runs = [{"seed": i % 3, "test": i / 7, "alarms": [], "command": f"train it {i % 3 and 'again'}"} for i in range(9)]
    told = compact(runs)
    for field, own in told["columns"].items():
        values = own.get("values", [own.get("value")] * 9)
        values = [values[i] for i in own["index"]] if "index" in own else values
        if field == "command":
            values = [" ".join(told["words"][i] for i in text) for text in values]
        assert values == [run[field] for run in runs]
    assert {field for field, own in told["columns"].items() if "index" in own} == {"seed", "command"}
    assert told["columns"]["alarms"] == {"value": []}
    assert compact([]) == {"count": 0, "columns": {}, "words": []}
    assert compact([{"command": None}])["columns"] == {"command": {"value": None}}


def test_sentences_of_runs_are_told_once() -> None:
    runs = [
        {
            "id": f"iris-mlp-bce-s{i}-{i:010x}",
            "points": [f"f1: p > 0.{i}50 on validation, level {i}"] * (i % 2),
            "alarms": [{"name": "low_recall", "message": f"recall is 0.{i}90 at threshold 0.5: few"}],
        }
        for i in range(9)
    ]
    told = compact(runs)
    assert len(told["words"]) == 3

    def text(place: int, own: str = "") -> str:
        filling = iter(own.split(" "))
        return re.sub("\0", lambda _: next(filling), told["words"][place])

    columns = {field: own["values"] for field, own in told["columns"].items()}
    assert [text(*own) for own in columns["id"]] == [run["id"] for run in runs]
    index = told["columns"]["points"].get("index", range(9))
    assert [[text(*own) for own in columns["points"][i]] for i in index] == [run["points"] for run in runs]
    alarms = [dict(zip(("name", "message"), text(*own).split(": ", 1), strict=True)) for (own,) in columns["alarms"]]
    assert alarms == [run["alarms"][0] for run in runs]


def test_what_is_not_there_takes_no_place() -> None:
    assert slim({"a": None, "b": [None, {"c": False, "d": 0}], "e": ""}) == {"b": [None, {"d": 0}], "e": ""}


def test_published_values_stand_beside_ours(browser: Any, fake_run: Write, outputs: Path) -> None:
    for seed, f1 in enumerate((0.9, 0.95)):
        for loss in ("bce", "soft_f1"):
            fake_run(suite="anyloss_slp", dataset="breast_cancer", loss=loss, seed=seed, test={"f1": f1})
    address = opened(browser, outputs, "--metrics", "f1")
    assert set(texts(browser, "published | ours", 0)) == {"breast_cancer: bce"}
    shown = [texts(browser, "published | ours", column) for column in range(2, 6)]
    assert ("f1", "0.9734", "0.9250", "−0.0484") in list(zip(*shown, strict=True))
    press(browser, "published | ours", "published")
    sorted_now = texts(browser, "published | ours", 3)
    assert sorted_now == sorted(sorted_now, key=float, reverse=True)
    assert len(sorted_now) == 6
    quiet(browser, address)


def test_mixed_losses_are_no_published_row(fake_run: Write, outputs: Path) -> None:
    for seed in range(2):
        for weight in (None, "balanced"):
            fake_run(suite="anyloss_slp", dataset="breast_cancer", seed=seed, loss__pos_weight=weight)
    assert content(prepare(outputs))["views"]["published"] == []
    (table,) = content(prepare(outputs, rows="loss,loss.pos_weight"))["views"]["published"]
    assert {line["label"] for line in table["lines"]} == {"breast_cancer: bce"}


def test_a_phone_scrolls_no_page_sideways(browser: Any, fake_run: Write, outputs: Path) -> None:
    for loss in ("bce", "a_name_of_a_loss_that_goes_on_and_on_" * 4):
        keep(fake_run(labels={"dataset": "d" * 90, "model": "m", "loss": loss}, loss=loss), 0)
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        opened(browser, outputs)
        assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_names_from_files_are_text(browser: Any, fake_run: Write, outputs: Path) -> None:
    for i, name in enumerate(HOSTILE):
        alarms = [{"name": name, "message": name}]
        kinds = {"dataset": name, "model": HOSTILE[0], "loss": name}
        for seed in range(2):
            more = {"alarms": alarms, "reason": name}
            folder = fake_run(seed=seed, labels=kinds, optimizer__schedule=name, result=more, status="diverged")
            keep(folder, seed)
            (folder / "environment.json").write_text(json.dumps({name: name, "packages": {name: name}}))
        fake_run(seed=7 + i, labels=kinds | {"loss": "bce"}, status="failed", result={"reason": name})
    address = opened(browser, outputs, "--unequal")
    for button in browser.find_elements("css selector", ".open-row, summary"):
        browser.execute_script("arguments[0].click()", button)
    shown = browser.find_element("tag name", "main").text
    assert "onerror=" in shown
    assert "<script>document" in shown
    assert browser.title.startswith("Which loss for F1?")
    assert browser.execute_script("return document.querySelectorAll('main img, main script, main iframe').length") == 0
    assert browser.execute_script("return document.scripts.length") == 3
    quiet(browser, address)


def test_the_answer_of_too_few_seeds(fake_run: Write, outputs: Path) -> None:
    for dataset, best in (("breast_cancer", "dice"), ("digits", "soft_f1")):
        for seed in range(3):
            for loss in ("bce", "dice", "soft_f1"):
                fake_run(dataset=dataset, loss=loss, seed=seed, test={"f1": 0.5 + 0.1 * (loss == best)})
    comparison = prepare(outputs)
    said = verdict(comparison).which
    assert said.startswith("Over 2 data sets with mlp, dice and soft_f1 share the best average rank")
    assert "which may be chance: Friedman's test tells no rows apart (p = 1)" in said
    assert said.endswith("Within single data sets fewer than 6 pairs cannot tell a difference to bce from chance.")


def test_the_answer_names_all_rows_that_the_table_marks(fake_run: Write, outputs: Path) -> None:
    def said() -> str:
        comparison = prepare(outputs)
        return verdict(comparison).which

    for seed in range(3):
        for loss, f1 in (("bce", 0.5), ("dice", 0.90004), ("soft_f1", 0.9)):
            fake_run(loss=loss, seed=seed, test={"f1": f1})
    assert "dice and soft_f1 share the highest test F1" in said()
    assert "dice's paired difference to bce is +0.400" in said()
    for seed in range(3):
        fake_run(loss="bce", seed=seed, test={"f1": 0.89998})
        fake_run(loss="focal", seed=seed, test={"f1": 0.4})
    assert "bce, dice and soft_f1 share" in said()
    assert said().endswith("The other row has no better mean than the baseline bce.")
    for loss in ("bce", "dice", "soft_f1", "focal"):
        for seed in range(3):
            fake_run(dataset="digits", loss=loss, seed=seed, test={"f1": 1.0 if loss != "focal" else 0.1})
    assert said().startswith("Over 2 data sets with mlp, dice has the best average rank")


def test_scores_that_no_probability_tells_apart_have_their_own_axis(fake_run: Write, outputs: Path) -> None:
    folders = [fake_run(loss="bce", seed=seed) for seed in range(2)]
    kept = [keep(folder, seed) for seed, folder in enumerate(folders)]
    assert "scores" not in prediction_curves(row_of(outputs), ["f1"], set())
    for (logits, targets), folder in zip(kept, folders, strict=True):
        np.savez(folder / PREDICTIONS, test_logits=logits + 60, test_targets=targets)
    curves = prediction_curves(row_of(outputs), ["f1"], set())
    low, high = curves["scores"]
    assert 50 < low < high < 70
    cuts = np.linspace(low, high, len(GRID))
    found = np.mean([[f1_score(y, logits + 60 > cut, zero_division=0) for cut in cuts] for logits, y in kept], 0)
    np.testing.assert_allclose(np.array(curves["threshold"]["f1"]["mean"]) / 1000, found, atol=6e-4)


def test_a_saturated_threshold_is_shown_on_the_score(fake_run: Write, outputs: Path) -> None:
    point = {"threshold": 1.0, "score_threshold": 61.25, "reached": True, "test": {"value": 0.5, "level": 0.75}}
    result = {
        "thresholds": {"default": 0.5, "tuned": 1.0},
        "score_thresholds": {"default": 0.0, "tuned": 61.25},
        "operating_points": {"precision_at_recall@0.8": point},
    }
    for seed in range(2):
        fake_run(seed=seed, result=result)
    comparison = prepare(outputs, metrics=["precision_at_recall@0.8"])
    data = content(comparison)
    assert data["runs"][0]["threshold"] == "score > 61.25"
    assert "score > 61.25 on validation gives precision 0.500 at recall 0.750" in data["runs"][0]["points"][0]
    (cell,) = [c for c in comparison.tables("means")[0].lines[0].cells if c.text]
    assert cell.text == "score 61.25 ± 0"


def test_an_untrained_net_has_no_threshold(fake_run: Write, outputs: Path) -> None:
    result = {"thresholds": {"default": 0.5, "tuned": 0.25}, "best_epoch": None}
    fake_run(seed=0)
    fake_run(seed=1, status="diverged", result=result)
    comparison = prepare(outputs, warn=lambda _: None)
    (row,) = comparison.blocks[0].rows
    assert next(run for run in row.runs if run.seed == 1).threshold is None
    assert [(run["tuned"], run["threshold"]) for run in content(comparison)["runs"] if run["seed"] == 1] == [(None, "")]
