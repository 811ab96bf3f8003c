"""What losses answer to wrong arguments, and a loss of the user's own."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from surrogate_bench.errors import UserError
from surrogate_bench.losses import create_loss, list_losses, loss_info
from surrogate_bench.metrics import evaluate


@pytest.mark.parametrize(
    ("name", "hyperparameters"),
    [
        ("bce", {"pos_weight": 0.0}),
        ("bce", {"pos_weight": math.inf}),
        ("focal", {"alpha": 1.5}),
        ("focal", {"gamma": -1.0}),
        ("soft_f1", {"beta": 0.0}),
        ("any_f1", {"scale": -1.0}),
        ("heaviside_f1", {"threshold": 1.0}),
        ("heaviside_f1", {"delta": 0.5}),
        ("sol_f1", {"distribution": "cosin"}),
        ("relaxed", {"metric": "auroc"}),
        ("relaxed", {"metric": "f_1"}),
        ("relaxed", {"scale": 3.0}),
        ("focal", {"gamma": math.inf}),
    ],
)
def test_a_wrong_value_is_named_in_one_line(name: str, hyperparameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+\Z"):
        create_loss(name, **hyperparameters)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("alpha", [None, 0.0, 0.9])
def test_focal_at_other_values(gamma: float, alpha: float | None) -> None:
    loss = create_loss("focal", gamma=gamma, alpha=alpha)
    positive, negative = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    p = 1 / (1 + math.exp(-0.7))
    expected = [-positive * (1 - p) ** gamma * math.log(p), -negative * p**gamma * math.log(1 - p)]
    assert loss.values(torch.full((2, 1), 0.7), torch.tensor([[1.0], [0.0]])).tolist() == pytest.approx(
        expected, abs=1e-6
    )
    logits = torch.tensor([1e4, -1e4, 1e4, -1e4, 40.0, -40.0, 0.0]).requires_grad_()
    value = loss(logits, torch.tensor([1, 1, 0, 0, 1, 0, 1]))
    assert value.isfinite()
    assert torch.autograd.grad(value, logits)[0].isfinite().all()


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"logits \(2, 3\) and targets \(3,\) must have one shape"):
        create_loss("bce")(torch.zeros(2, 3), torch.zeros(3))


MINE = """
import torch

class Mine(torch.nn.Module):
    def __init__(self, alpha=1.0):
        super().__init__()
        self.alpha = alpha

    def forward(self, logits, targets):
        return self.alpha * (logits - targets).square().mean(-1)

def build(*, alpha):
    return Mine(2 * alpha)

def number():
    return 3

def fails():
    raise KeyError("first\\nsecond")
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(MINE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def f(:\n", encoding="utf-8")
    (tmp_path / "multi.py").write_text("raise ValueError('a\\nb')\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("name", "args", "factor"), [("Mine", {}, 1), ("Mine", {"alpha": 3}, 3), ("build", {"alpha": 2}, 4)]
)
def test_custom_loads_a_file_of_the_user_s(mine: Path, name: str, args: dict[str, float], factor: float) -> None:
    loss = create_loss("custom", path=f"{mine}:{name}", args=args)
    logits, targets = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert loss(logits, targets).tolist() == [2.0 * factor, 0.5 * factor]


@pytest.mark.parametrize(
    ("path", "args", "says"),
    [
        ("mine.py", {}, "FILE.py:NAME"),
        ("mine.py:", {}, "FILE.py:NAME"),
        (":Mine", {}, "FILE.py:NAME"),
        ("nowhere.py:Mine", {}, "no file"),
        ("mine.py:Mien", {}, "Did you mean 'Mine'"),
        ("mine.py:number", {}, "int"),
        ("mine.py:torch", {}, "cannot be loaded"),
        ("mine.py:Mine", {"alhpa": 1}, "alhpa"),
        ("mine.py:build", {}, "alpha"),
        ("broken.py:f", {}, "SyntaxError"),
        ("mine.py:fails", {}, "KeyError"),
        ("multi.py:x", {}, "ValueError"),
    ],
)
def test_custom_s_errors_are_one_line(mine: Path, path: str, args: dict[str, float], says: str) -> None:
    with pytest.raises(UserError, match=r"^[^\n]+\Z") as caught:
        create_loss("custom", path=f"{mine.parent}/{path}" if path[0] != ":" else path, args=args)
    assert says in str(caught.value)


GRADED = ("approx_ndcg", "lambda_loss", "soft_spearman", "plcc")
OTHER_LABELS = [[1.0, -1.0, 1.0], [0.0, 1.0, 2.0], [0.0, 0.5, 1.0], [0.0, 1.0, math.nan], [0.0, 1.0, math.inf]]


@pytest.mark.parametrize("name", [name for name in list_losses() if name not in (*GRADED, "custom")])
def test_labels_other_than_0_and_1_are_refused(name: str) -> None:
    index = (torch.arange(3),) if loss_info(name).needs_index else ()
    loss = create_loss(name)
    loss.fit(torch.tensor([0, 1, 1]))
    for labels in OTHER_LABELS:
        with pytest.raises(ValueError, match="targets must be 0 or 1"):
            loss(torch.zeros(3), torch.tensor(labels), *index)
    for labels in (torch.tensor([0, 1, 1]), torch.tensor([0, 1, 1], dtype=torch.uint8), torch.tensor([0.0, 1.0, 1.0])):
        assert loss(torch.zeros(3), labels, *index).isfinite()


@pytest.mark.parametrize("name", GRADED)
def test_where_targets_may_be_graded_others_are_taken(name: str) -> None:
    assert create_loss(name)(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.0, 2.0, 1.0])).isfinite()


@pytest.mark.parametrize("labels", [*OTHER_LABELS, [0, 2, 1], [0, -1, 1]])
def test_evaluate_refuses_other_labels(labels: list[float]) -> None:
    with pytest.raises(ValueError, match="targets must be 0 or 1"):
        evaluate(torch.zeros(3), torch.tensor(labels))


def test_a_loss_can_be_vmapped() -> None:
    logits, targets = torch.randn(4, 3), torch.eye(4)[:, :3]
    loss = create_loss("soft_f1")
    torch.testing.assert_close(torch.vmap(loss)(logits, targets), loss(logits, targets))


def test_evaluate_takes_arrays_and_refuses_columns() -> None:
    logits, targets = np.linspace(-1, 2, 12), np.arange(12) % 3 == 0
    expected = evaluate(torch.tensor(logits), torch.tensor(targets))
    logits.flags.writeable = False
    for own in (targets, targets.astype(np.int8), targets.astype(">f4"), targets.tolist()):
        assert evaluate(logits, own) == expected
        assert evaluate(logits[::-1], np.asarray(own)[::-1]) == expected
    found = evaluate(np.stack([logits, logits]), np.stack([targets, targets]))["hard"]["f1"]
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [expected["hard"]["f1"]] * 2
    with pytest.raises(ValueError, match=r"squeeze\(-1\), targets\.squeeze\(-1\)\Z"):
        evaluate(logits[:, None], targets[:, None])
    with pytest.raises(ValueError, match="logits must be numbers"):
        evaluate(np.array(["a"]), np.array([1]))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"task": "binry"}, "binary"),
        ({"task": "multilabel"}, "no task=.multilabel. yet"),
        ({"task": "segmentation"}, "no task=.segmentation. yet"),
        ({"ignore_index": 255}, "needs task="),
    ],
)
def test_tasks_that_there_are_not_are_refused_by_name(words: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        create_loss("soft_f1", **words)
