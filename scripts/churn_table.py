"""An invented table of customers of whom few leave, drawn by a seed: python scripts/churn_table.py customers.csv [rows]

Of 40,000 rows 3.3 % left. There are numbers with gaps, categories, dates, ids and text, as a company's table has them;
what decides is a sum of a few columns and much chance, so that no model can be sure of a customer. Train on it with

    surrogate-bench -m dataset=table dataset.path=customers.csv dataset.target=churned \
        'dataset.drop=[customer_id]' loss=bce,soft_f1 'seed=range(3)'
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

PLANS, WEIGHTS = ("basic", "plus", "family", "business"), (0.45, 0.3, 0.15, 0.1)
NOTES = ("", "asked about the bill", "line is slow", "wants a quote", "moved house", "thanked us")
SHARE = 0.033


def churn_table(rows: int = 40_000, seed: int = 0) -> pd.DataFrame:
    """The table of this many customers; the target `churned` is yes or no."""
    draw = np.random.default_rng(seed)
    age = draw.normal(45, 15, rows).clip(18, 90).round()
    months = draw.exponential(30, rows).round()
    plan = draw.choice(PLANS, rows, p=WEIGHTS)
    fee = (15 + 10 * draw.gamma(2, 1, rows) + 20 * (plan == "business")).round(2)
    calls, complaints = draw.poisson(40, rows), draw.poisson(0.4, rows)
    used = draw.gamma(2, 5, rows).round(3)
    paper, note = draw.choice(["yes", "no"], rows, p=[0.3, 0.7]), draw.choice(NOTES, rows)
    score = (
        0.9 * complaints
        - 0.04 * months
        + 0.03 * fee
        + 0.8 * (plan == "basic")
        + 0.5 * (paper == "yes")
        + 0.7 * (note == "line is slow")
        - 0.5 * np.log1p(used)
        + draw.logistic(0, 1, rows)
    )
    churned = score >= np.quantile(score, 1 - SHARE)
    since = pd.Timestamp("2026-01-01") - pd.to_timedelta(30 * months + draw.integers(0, 30, rows), unit="D")
    table = pd.DataFrame(
        {
            "customer_id": [f"C{number:06d}" for number in draw.permutation(rows)],
            "since": since.strftime("%Y-%m-%d"),
            "age": age,
            "plan": plan,
            "monthly_fee": fee,
            "calls": calls,
            "complaints": complaints,
            "gigabytes": used,
            "paper_bill": paper,
            "last_note": note,
            "churned": np.where(churned, "yes", "no"),
        }
    )
    for column, share in (("age", 0.08), ("gigabytes", 0.15), ("paper_bill", 0.05)):
        table.loc[draw.random(rows) < share, column] = np.nan
    return table


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40_000
    churn_table(count).to_csv(Path(sys.argv[1]), index=False)
