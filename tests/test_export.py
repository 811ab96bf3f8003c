"""TensorBoard's files made from stored curves equal those written live."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from surrogate_bench.cli import main


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    assert "_hparams_/session_start_info" in events.summary_metadata
    return {tag: [(p.step, p.value) for p in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_export_equals_live(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"output={tmp_path}", "trainer.epochs=4"]) == 0
    (place,) = tmp_path.glob("*/*")
    live = scalars(place / "tensorboard")
    shutil.rmtree(place / "tensorboard")
    assert main(["export", "tensorboard", str(tmp_path)]) == 0
    assert scalars(place / "tensorboard") == live
    (place / "metrics.jsonl").write_text("{")
    assert main(["export", "tensorboard", str(tmp_path)]) == 1
    assert "its curves or its result are damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say what"),
        (["tensorbord"], "'tensorboard'"),
        (["tensorboard", "nowhere"], "no such folder"),
        (["tensorboard", "."], "no run under"),
    ],
)
def test_wrong_words(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *words]) == 2
    assert says in capsys.readouterr().err
