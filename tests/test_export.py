"""TensorBoard's files made from stored curves equal those written live."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
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
    assert "its curves have changed since they were written" in capsys.readouterr().out


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


class Board:
    """TensorBoard's own server, as far as its table of hyperparameters."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
        from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
        from tensorboard.context import RequestContext
        from tensorboard.plugins.base_plugin import TBContext
        from tensorboard.plugins.hparams import api_pb2
        from tensorboard.plugins.hparams.backend_context import Context
        from tensorboard.plugins.hparams.list_session_groups import Handler

        events = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
        context = Context(TBContext(data_provider=MultiplexerDataProvider(events, str(folder))))
        request = RequestContext()
        found = context.experiment_from_metadata(request, "", True, context.hparams_metadata(request, ""), None)
        self.varies = {info.name: info.differs for info in found.hparam_infos}
        asked = api_pb2.ListSessionGroupsRequest(
            allowed_statuses=[api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE], start_index=0, slice_size=100
        )
        for info in found.metric_infos:
            asked.col_params.add(metric=info.name)
        listed = Handler(request, context, "", asked).run()
        self.rows = {
            group.name: (
                dict(group.hparams),
                {value.name.tag: (value.training_step, value.value) for value in group.sessions[0].metric_values},
                group.sessions[0].status == api_pb2.STATUS_SUCCESS,
            )
            for group in listed.session_groups
        }


def check_board(folder: Path) -> None:
    """Three losses, of which the last diverged before its first epoch was over."""
    board = Board(folder)
    varying = ["loss.alpha", "loss.gamma", "loss.name", "loss.temperature", "optimizer.lr", "seed"]
    own = ["loss.alpha", "loss.gamma", "loss.temperature"]  # of one run each: what one run alone has cannot differ
    assert set(varying) <= set(board.varies)
    assert [name for name, differs in board.varies.items() if differs] == [n for n in varying if n not in own]
    assert list(board.varies)[:3] == ["loss.name", "optimizer.lr", "seed"]
    assert not {"output", "experiment"} & set(board.varies)
    assert all(name.startswith("hp/synthetic-mlp-") for name in board.rows)
    losses = {name.split("-")[2]: row for name, row in board.rows.items()}
    assert losses["focal"][0]["loss.gamma"].number_value == 2
    assert losses["focal"][0]["seed"].number_value == 1
    assert [losses[name][2] for name in ("bce", "focal", "smooth_ap")] == [True, True, False]
    for name in ("bce", "focal"):
        (place,) = folder.glob(f"*-{name}-*")
        result = json.loads((place / "result.json").read_text())
        step, value = losses[name][1]["test/f1 tuned"]
        assert step == result["best_epoch"]
        assert value == pytest.approx(result["metrics"]["test"]["hard_tuned"]["f1"])
        drawn = scalars(place / "tensorboard")
        assert min(len(points) for tag, points in drawn.items() if not tag.startswith("test/")) == 2
        assert not [tag for tag in drawn if "oracle" in tag]
        assert not min(drawn).startswith("test/")
    assert not [tag for tag in losses["smooth_ap"][1] if tag.startswith("test/")]


def test_the_hyperparameters_of_all_runs_stand_in_one_table(tmp_path: Path) -> None:
    tiny = ["dataset=synthetic", "dataset.size=200", "trainer.epochs=2", "model.hidden=[2]", f"output={tmp_path}"]
    for words in (["loss=bce"], ["loss=focal", "seed=1"], ["loss=smooth_ap", "optimizer.lr=1e30"]):
        assert main([*tiny, "experiment=hp", *words]) == 0
    check_board(tmp_path / "hp")
    from tensorboard.plugins.hparams.api_pb2 import Experiment, HParamInfo

    from surrogate_bench.store.tensorboard import EventFile

    for place in (tmp_path / "hp").iterdir():
        with closing(EventFile(place / "tensorboard")) as file:  # as earlier versions wrote it
            file._plugin("experiment", experiment=Experiment(hparam_infos=[HParamInfo(name="loss.name")]))
    assert list(Board(tmp_path / "hp").varies) == ["loss.name"]
    assert main(["export", "tensorboard", str(tmp_path)]) == 0
    check_board(tmp_path / "hp")
    for i, place in enumerate((tmp_path / "hp").glob("*-bce-*")):
        stored = json.loads((place / "result.json").read_text())
        stored["config"]["dataset"] |= {"path": f"tables/t{i}.csv", "sha256": f"{i}", "origin": f"https://t{i}.org"}
        stored["labels"]["dataset"] = f"t{i}"
        with closing(EventFile(place / "tensorboard")) as file:
            file.hyperparameters(stored)
    varies = Board(tmp_path / "hp").varies
    assert [name for name in varies if name.startswith("dataset.") and varies[name]] == ["dataset.label"]
    assert not {"dataset.path", "dataset.sha256", "dataset.origin", "dataset.name"} & set(varies)
