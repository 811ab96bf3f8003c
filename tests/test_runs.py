"""One run, from the words to its files, each number read again by an independent library."""

from __future__ import annotations

import getpass
import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrogate_bench.cli import main
from surrogate_bench.datasets import load_source
from surrogate_bench.datasets.split import make_split
from surrogate_bench.metrics.names import GROUPS, names
from surrogate_bench.training.data import stream_seed

WORDS = ["trainer.epochs=8", "loss=soft_precision"]
PARTS = ("val", "test")


def run(folder: Path, *words: str) -> Path:
    """Trains one run under `folder` and returns its own folder."""
    before = set(folder.glob("*/*"))
    assert main([f"output={folder}", *words]) == 0
    new = set(folder.glob("*/*")) - before
    return new.pop() if new else next(iter(before))


def result(place: Path) -> dict[str, Any]:
    return json.loads((place / "result.json").read_text())


def predictions(place: Path) -> dict[str, np.ndarray]:
    with np.load(place / "predictions.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("outputs"), *WORDS)


def test_files(place: Path) -> None:
    found = {path.name for path in place.iterdir()}
    assert found == {
        *("config.yaml", "environment.json", "metrics.jsonl", "predictions.npz"),
        *("checkpoint.pt", "tensorboard", "result.json"),
    }
    stored = result(place)
    assert stored["schema"] == 1
    assert stored["run_id"] == place.name
    assert stored["status"] == "finished"
    assert stored["examples"]["train"] == {"total": 341, "positive": 127}
    assert set(stored["metrics"]["test"]) == set(GROUPS)
    environment = (place / "environment.json").read_text()
    assert socket.gethostname() not in environment
    assert getpass.getuser() not in json.loads(environment).values()
    assert str(Path.home()) not in environment


def test_hard_numbers_equal_scikit_learn(place: Path) -> None:
    from sklearn import metrics as sk

    stored, arrays = result(place), predictions(place)
    for part in PARTS:
        logits, y = arrays[f"{part}_logits"].astype(float), arrays[f"{part}_targets"]
        p = 1 / (1 + np.exp(-logits))
        for group, threshold in (("hard", 0.5), ("hard_tuned", stored["thresholds"]["tuned"])):
            predicted, own = p > threshold, stored["metrics"][part][group]
            expected = {
                "precision": sk.precision_score(y, predicted),
                "recall": sk.recall_score(y, predicted),
                "specificity": sk.recall_score(1 - y, ~predicted),
                "f0.5": sk.fbeta_score(y, predicted, beta=0.5),
                "f1": sk.f1_score(y, predicted),
                "f2": sk.fbeta_score(y, predicted, beta=2),
                "jaccard": sk.jaccard_score(y, predicted),
                "accuracy": sk.accuracy_score(y, predicted),
                "balanced_accuracy": sk.balanced_accuracy_score(y, predicted),
                "g_mean": np.sqrt(sk.recall_score(y, predicted) * sk.recall_score(1 - y, ~predicted)),
                "mcc": sk.matthews_corrcoef(y, predicted),
                "kappa": sk.cohen_kappa_score(y, predicted),
            }
            assert own == pytest.approx(expected, abs=1e-6)
        ranking = {
            "auroc": sk.roc_auc_score(y, logits),
            "average_precision": sk.average_precision_score(y, logits),
            "partial_auroc": sk.roc_auc_score(y, logits, max_fpr=0.3),
            "ndcg": sk.ndcg_score([y], [logits]),
        }
        assert stored["metrics"][part]["ranking"] == pytest.approx(ranking, abs=1e-6)
        calibration = stored["metrics"][part]["calibration"]
        assert calibration["log_loss"] == pytest.approx(sk.log_loss(y, p))
        assert calibration["brier"] == pytest.approx(sk.brier_score_loss(y, p))


def test_the_oracle_is_a_bound_and_of_the_test_part_alone(place: Path) -> None:
    from sklearn.metrics import f1_score

    stored, arrays = result(place), predictions(place)
    p, y = 1 / (1 + np.exp(-arrays["test_logits"].astype(float))), arrays["test_targets"]
    best = max(f1_score(y, p > t) for t in (0, *p))
    oracle = stored["metrics"]["test"]["hard_oracle"]
    assert oracle["f1"] == pytest.approx(best)
    assert oracle["f1"] == pytest.approx(f1_score(y, p > stored["thresholds"]["oracle"]))
    assert oracle["f1"] >= stored["metrics"]["test"]["hard_tuned"]["f1"]
    assert "hard_oracle" not in stored["metrics"]["val"]
    assert "oracle" not in (place / "metrics.jsonl").read_text()


def test_batches_without_positives_are_counted(tmp_path: Path) -> None:
    words = ("loss=bce", "trainer.epochs=3", "trainer.batch_size=4", "dataset.imratio=0.05")
    places = [run(tmp_path, *words, f"trainer.sampler={sampler}") for sampler in ("shuffled", "stratified")]
    shuffled, stratified = (result(place) for place in places)
    train = shuffled["examples"]["train"]
    batches = -(-train["total"] // 4)
    assert shuffled["batches"]["total"] == 3 * batches
    config = shuffled["config"]["dataset"]
    split = make_split(load_source("breast_cancer"), positive=config["positive"], imratio=0.05, seed=0)
    orders, y = torch.Generator().manual_seed(stream_seed(0, "order")), split.y[split.train]
    drawn = [y[torch.randperm(train["total"], generator=orders)] for _ in range(3)]
    assert shuffled["batches"]["without_positives"] == sum(not b.any() for order in drawn for b in order.split(4))
    assert stratified["batches"]["without_positives"] == 3 * max(0, batches - train["positive"])


def test_soft_numbers_equal_their_formulas(place: Path) -> None:
    stored, arrays = result(place), predictions(place)
    p, y = 1 / (1 + np.exp(-arrays["test_logits"].astype(float))), arrays["test_targets"]
    tp, fp, fn, tn = ((m * t).sum() for m, t in ((p, y), (p, 1 - y), (1 - p, y), (1 - p, 1 - y)))
    soft = stored["metrics"]["test"]["soft"]
    assert list(soft) == names("threshold")
    assert soft["precision"] == pytest.approx(tp / (tp + fp))
    assert soft["recall"] == pytest.approx(tp / (tp + fn))
    assert soft["f2"] == pytest.approx(5 * tp / (5 * tp + 4 * fn + fp))
    assert soft["jaccard"] == pytest.approx(tp / (tp + fp + fn))
    assert soft["g_mean"] == pytest.approx(np.sqrt(tp / (tp + fn) * tn / (tn + fp)))
    root = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert soft["mcc"] == pytest.approx((tp * tn - fp * fn) / root)


def test_the_best_epoch_is_the_one_of_the_curve(place: Path) -> None:
    stored = result(place)
    lines = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 9))
    values = [(line["val_f1_tuned"], -line["val_log_loss"]) for line in lines]
    assert stored["best_epoch"] == 1 + values.index(max(values))
    best = lines[stored["best_epoch"] - 1]
    assert best["val_precision_soft"] == pytest.approx(stored["metrics"]["val"]["soft"]["precision"])
    assert best["val_auroc"] == pytest.approx(stored["metrics"]["val"]["ranking"]["auroc"])


def test_lower_is_better_where_it_is(tmp_path: Path) -> None:
    place = run(tmp_path, "trainer.epochs=8", "trainer.monitor=log_loss", "optimizer.lr=0.05")
    values = [json.loads(line)["val_log_loss"] for line in (place / "metrics.jsonl").read_text().splitlines()]
    assert result(place)["best_epoch"] == 1 + values.index(min(values))


def test_the_checkpoint_gives_the_predictions(place: Path) -> None:
    from surrogate_bench.datasets import load_source, make_split
    from surrogate_bench.models import create_model

    net = create_model("mlp", (30,), seed=1)
    net.load_state_dict(torch.load(place / "checkpoint.pt", weights_only=True))
    split = make_split(load_source("breast_cancer"), seed=0)
    with torch.no_grad():
        logits = net(split.x[split.test])
    np.testing.assert_allclose(logits.numpy(), predictions(place)["test_logits"], rtol=1e-4, atol=1e-5)


def test_tensorboard_has_the_same_curves(place: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(place / "tensorboard"))
    events.Reload()
    lines = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    for tag, name in (
        ("f1/val hard", "val_f1"),
        ("precision/val soft", "val_precision_soft"),
        ("auroc/val", "val_auroc"),
    ):
        points = events.Scalars(tag)
        assert [point.step for point in points] == list(range(1, 9))
        np.testing.assert_allclose([point.value for point in points], [line[name] for line in lines], rtol=1e-6)
    assert "_hparams_/session_start_info" in events.summary_metadata
    assert all(socket.gethostname() not in path.name for path in (place / "tensorboard").iterdir())


def test_the_same_words_give_the_same_bits_and_two_seeds_differ(place: Path, tmp_path: Path) -> None:
    again = run(tmp_path, *WORDS)
    assert again.name == place.name
    assert (again / "predictions.npz").read_bytes() == (place / "predictions.npz").read_bytes()
    assert (again / "metrics.jsonl").read_bytes() == (place / "metrics.jsonl").read_bytes()
    other = run(tmp_path, *WORDS, "seed=1")
    assert other.name != place.name
    assert (predictions(other)["test_logits"] != predictions(place)["test_logits"]).any()


def test_found_again_retried_and_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = run(tmp_path, *WORDS)
    file = place / "result.json"
    written, before = file.stat().st_mtime_ns, result(place)
    run(tmp_path, *WORDS)
    assert "finished before" in capsys.readouterr().out
    assert file.stat().st_mtime_ns == written
    run(tmp_path, *WORDS, "force=true")
    assert file.stat().st_mtime_ns > written
    for spoil in (
        file.unlink,
        lambda: file.write_text("{"),
        lambda: file.write_text('{"schema": 1, "status": "failed"}'),
        lambda: file.write_text(file.read_text().replace('"total": ', '"total": 1', 1)),
    ):
        spoil()
        run(tmp_path, *WORDS)
        assert result(place)["metrics"] == before["metrics"]
        assert result(place)["examples"] == before["examples"]


def test_a_folder_a_configuration(tmp_path: Path) -> None:
    short = ["trainer.epochs=1", "experiment=a"]
    first = run(tmp_path, *short)
    assert run(tmp_path, "trainer.epochs=1", "experiment=b").name == first.name
    others = [run(tmp_path, *short, word) for word in ("optimizer.lr=0.01", "loss.beta=2", "dataset.imratio=0.2")]
    assert len({place.name for place in [first, *others]}) == 4


@pytest.mark.parametrize(
    "words", [["precision=bf16"], ["model=linear"], ["optimizer=sgd", "optimizer.schedule=cosine"]]
)
def test_other_choices_train(words: list[str], tmp_path: Path) -> None:
    place = run(tmp_path, "trainer.epochs=15", "optimizer.lr=0.05", *words)
    assert result(place)["metrics"]["test"]["ranking"]["auroc"] > 0.95


def test_a_loss_of_ones_own_and_one_that_raises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\n"
        "class Good(torch.nn.Module):\n"
        "    def forward(self, z, y):\n"
        "        return torch.nn.functional.softplus((1 - 2 * y) * z).mean(-1)\n"
        "class Bad(torch.nn.Module):\n"
        "    def forward(self, z, y):\n"
        "        raise RuntimeError('out of luck')\n"
    )
    place = run(tmp_path / "o", "loss=custom", f"loss.path={file}:Good", "trainer.epochs=5")
    assert "Good" in place.name
    assert result(place)["metrics"]["test"]["ranking"]["auroc"] > 0.95
    assert main([f"output={tmp_path / 'p'}", "loss=custom", f"loss.path={file}:Bad"]) == 1
    (failed,) = (tmp_path / "p").glob("*/*")
    assert result(failed)["status"] == "failed"
    assert "out of luck" in result(failed)["reason"]
    assert "Traceback" in (failed / "error.txt").read_text()
    assert "out of luck" in capsys.readouterr().out


def test_soft_precisions_degenerate_optimum_is_an_alarm(tmp_path: Path) -> None:
    stored = result(run(tmp_path, "loss=soft_precision"))
    alarms = {alarm["name"] for alarm in stored["alarms"]}
    assert alarms & {"recall_falls", "low_recall"}
    assert not {alarm["name"] for alarm in result(run(tmp_path, "loss=bce"))["alarms"]}


def test_divergence_says_so(tmp_path: Path) -> None:
    stored = result(run(tmp_path, "loss=bce", "optimizer=sgd", "optimizer.lr=1e30", "trainer.epochs=5"))
    assert stored["status"] == "diverged"
    assert "epoch 1" in stored["reason"]


def test_real_tables(data_root: Path, tmp_path: Path) -> None:
    table = data_root / "tables" / "mammography.csv.gz"
    words = ["dataset=table", f"dataset.path={table}", "trainer.epochs=15", "trainer.batch_size=256"]
    stored = result(run(tmp_path, *words))
    assert stored["labels"]["dataset"] == "mammography"
    assert stored["metrics"]["test"]["hard"]["f1"] > 0.55
    adult = [
        f"dataset.{key}={data_root}/tables/adult-{part}.csv.gz" for key, part in (("path", "train"), ("test", "test"))
    ]
    stored = result(run(tmp_path, "dataset=table", *adult, "trainer.epochs=2", "trainer.batch_size=256"))
    assert stored["examples"]["test"] == {"total": 16281, "positive": 3846}
    assert stored["metrics"]["test"]["hard"]["f1"] > 0.64
    assert stored["metrics"]["test"]["ranking"]["auroc"] > 0.88
