"""Training with a loss improves what it is for: a wrong sign or a missing gradient would not."""

from __future__ import annotations

import pytest
from test_side_by_side import CPU, config, splits

from surrogate_bench.losses import list_losses
from surrogate_bench.training.loop import fit

NAMES = [name for name in list_losses() if name != "custom"]
# What a loss names, hard; all others are held to the order of their scores.
AIMS = {
    "soft_precision": "val_precision",
    "soft_recall": "val_recall",
    "soft_fbeta": "val_f2",
    "soft_jaccard": "val_jaccard",
    "soft_mcc": "val_mcc",
    "soft_balanced_accuracy": "val_balanced_accuracy",
    "soft_g_mean": "val_g_mean",
    **dict.fromkeys(["soft_f1", "any_f1", "heaviside_f1", "sol_f1", "straight_through_f1"], "val_f1"),
    "sigmoid_f1": "val_f1_tuned",  # whose own decision is at p = 0.27
    **dict.fromkeys(["smooth_ap", "histogram_ap", "ap_loss", "blackbox_ap"], "val_average_precision"),
    **dict.fromkeys(["soap", "pr_anchors"], "val_average_precision"),
    **dict.fromkeys(["recall_at_precision", "proxy_lagrangian"], "val_recall_at_precision"),
    **{name: f"val_{name}" for name in ("precision_at_recall", "tpr_at_fpr", "partial_auroc")},
    **dict.fromkeys(["pauc_kl", "pauc_cvar", "tpauc_kl"], "val_partial_auroc"),
    **dict.fromkeys(["approx_ndcg", "lambda_loss"], "val_ndcg"),
    **dict.fromkeys(["reinforce", "perturbed"], "val_f1"),
}


@pytest.fixture(scope="module")
def curves() -> dict[str, list[dict[str, float]]]:
    """Twelve epochs of every loss on one split of breast_cancer."""
    runs = [config(name, 0, 0.003, epochs=12, batch_size=64) for name in NAMES]
    return dict(zip(NAMES, fit(runs, splits(runs), CPU).history, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_it_gets_what_it_is_for(name: str, curves: dict[str, list[dict[str, float]]]) -> None:
    aim = AIMS.get(name, "val_auroc")
    reached = max(line[aim] for line in curves[name])
    assert reached > 0.9, (aim, [round(line[aim], 3) for line in curves[name]])
    losses = [line["train_loss"] for line in curves[name]]
    if name != "annealed":  # which becomes another loss as it goes
        assert losses[-1] < losses[0]
