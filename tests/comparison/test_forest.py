"""The forest plot and what is practically equal: the numbers of the tables, drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from surrogate_bench.cli import main
from surrogate_bench.comparison import prepare
from surrogate_bench.comparison.differences import of_block
from surrogate_bench.comparison.forest import LEFT, RIGHT, WIDTH, forests, ticks
from surrogate_bench.comparison.rope import read_rope, rope_of

Write = Callable[..., Path]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(outputs: Path, **how: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(text) for text in forests(prepare(outputs, warn=lambda _: None, **how))]


def scale(svg: ElementTree.Element) -> Callable[[str], float]:
    """From a place on the axis to the value there, by the axis' own ticks."""
    axis = [line for line in svg.iter(f"{SVG}line") if line.get("class") == "axis"][1:]
    texts = [text.text for text in svg.iter(f"{SVG}text") if text.get("text-anchor") == "middle"][:-2]
    values = [float(text.replace("−", "-")) for text in texts]
    places = [float(line.get("x1")) for line in axis]
    assert len(values) == len(places)
    slope = (values[-1] - values[0]) / (places[-1] - places[0])
    return lambda place: values[0] + (float(place) - places[0]) * slope


def test_what_is_drawn_is_in_the_table_of_differences(fake_run: Write, outputs: Path) -> None:
    for seed in range(8):
        for loss, gain in (("bce", 0.0), ("dice", 0.1), ("focal", -0.02)):
            fake_run(loss=loss, seed=seed, test={"f1": 0.5 + gain + (gain + 0.05) * (seed % 3) / 10})
    (svg,) = drawn(outputs)
    value = scale(svg)
    records = {own.loss: own for own in of_block(prepare(outputs).blocks[0], "f1", "bce")}
    effects = [group for group in svg.iter(f"{SVG}g") if "effect" in group.get("class", "")]
    assert [group.find(f"{SVG}text").text for group in effects] == ["dice", "focal"]  # the best first, no baseline
    for group in effects:
        own = records[group.find(f"{SVG}text").text]
        line = group.find(f"{SVG}line")
        (dot,) = group.findall(f"{SVG}circle")
        found = [value(place) for place in (line.get("x1"), dot.get("cx"), line.get("x2"))]
        assert found == pytest.approx([own.difference_low, own.difference, own.difference_high], abs=1e-3)
        assert ("found" in group.get("class")) == (own.p_holm < 0.05)
    assert "right of 0 is better" in svg.get("aria-label")


def test_several_data_sets_have_a_dot_each(fake_run: Write, outputs: Path) -> None:
    for d in range(5):
        for loss, log_loss in (("bce", 0.5), ("dice", 0.4 + d / 50)):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": 0.5, "log_loss": log_loss})
    (svg,) = drawn(outputs, metrics=["log_loss"])
    value = scale(svg)
    (group,) = svg.iter(f"{SVG}g")
    *dots, mean = [value(dot.get("cx")) for dot in group.findall(f"{SVG}circle")]
    assert dots == pytest.approx([-0.1 + d / 50 for d in range(5)], abs=1e-3)
    assert mean == pytest.approx(-0.06, abs=1e-3)
    assert group.find(f"{SVG}line") is None  # five data sets have no interval
    assert "left of 0 is better" in svg.get("aria-label")


def test_the_band_is_what_is_practically_equal(fake_run: Write, outputs: Path) -> None:
    for loss, f1 in (("bce", 0.5), ("<dice>", 0.9)):
        fake_run(labels={"dataset": "d", "model": "m", "loss": loss}, loss=loss, test={"f1": f1})
    for words, width in ((None, 0.01), ("0.05", 0.05), ("auroc=0.3,f1=0.1", 0.1), ("0", 0.0)):
        (svg,) = drawn(outputs, within=words)
        value = scale(svg)
        bands = list(svg.iter(f"{SVG}rect"))
        assert len(bands) == (width > 0)
        for band in bands:
            left = float(band.get("x"))
            right = value(left + float(band.get("width")))
            assert right == pytest.approx(width, abs=2e-3)
    assert "<dice>" in "".join(svg.itertext())


def test_rows_without_a_difference_are_not_drawn(fake_run: Write, outputs: Path) -> None:
    fake_run(loss="bce", seed=0)
    fake_run(loss="dice", seed=1)
    assert drawn(outputs) == []


def test_the_widths_of_metrics(capsys: pytest.CaptureFixture[str], fake_run: Write, outputs: Path) -> None:
    widths = read_rope("0.02, f1=0.05,auroc=0")
    assert [rope_of(metric, widths) for metric in ("f1", "f1_tuned", "auroc", "mcc")] == [0.05, 0.05, 0, 0.02]
    assert rope_of("f1", read_rope(None)) == 0.01
    fake_run()
    for word, said in (("f1=x", "--within f1=x"), ("-1", "--within -1"), ("nan", "--within nan"), ("g1=1", "'g1'")):
        assert main(["compare", str(outputs), f"--within={word}"]) == 2
        assert said in capsys.readouterr().err


def test_within_reaches_the_ranks(fake_run: Write, outputs: Path) -> None:
    for d in range(6):
        for loss, f1 in (("bce", 0.5), ("dice", 0.53)):
            fake_run(dataset=f"d{d}", loss=loss, test={"f1": f1 + d / 1000})
    posterior = {w: prepare(outputs, within=w).rankings()[0].posteriors["dice"][1] for w in ("0.01", "f1=0.1")}
    assert posterior["0.01"] < 0.05 < 0.95 < posterior["f1=0.1"]
    (table,) = prepare(outputs, within="f1=0.1").tables("ranks")
    assert re.search("equal within 0.1[.]", table.note)


@pytest.mark.parametrize(("low", "high"), [(-0.05, 0.15), (0, 1), (-3e-7, 1e-7), (-0.31, 0), (0.0, 0.0)])
def test_ticks_hold_the_values(low: float, high: float) -> None:
    found = ticks(low, high)
    assert found[0] <= low + 1e-12
    assert found[-1] >= high - 1e-12
    assert 0 in found
    assert 2 <= len(found) <= 8
    assert LEFT + RIGHT < WIDTH
