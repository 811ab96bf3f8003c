"""The comparison as data: CSV with one line per data set, model, row and metric, at full precision."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields

from surrogate_bench.comparison.differences import Record, of_blocks
from surrogate_bench.comparison.shown import Comparison
from surrogate_bench.metrics.names import base_name


def render(comparison: Comparison) -> str:
    """CSV with a header, in the order of the tables."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Record)], lineterminator="\n")
    writer.writeheader()
    metrics: dict[str, None] = {}
    for metric in comparison.metrics:
        metrics[metric] = None
        if metric.endswith("_threshold"):  # on the probability, which may not tell scores apart
            metrics[base_name(metric) + "_score_threshold"] = None
    records = of_blocks(comparison.blocks, list(metrics), comparison.baseline)
    writer.writerows(asdict(record) for record in records)
    return text.getvalue()
