"""The comparison as data: CSV with one line per data set, model, row and metric, at full precision."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields

from surrogate_bench.comparison.differences import Record, of_blocks
from surrogate_bench.comparison.shown import Comparison


def render(comparison: Comparison) -> str:
    """CSV with a header, in the order of the tables."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Record)], lineterminator="\n")
    writer.writeheader()
    records = of_blocks(comparison.blocks, comparison.metrics, comparison.baseline)
    writer.writerows(asdict(record) for record in records)
    return text.getvalue()
