"""The comparison as data: CSV with one line per data set, model, row and metric, at full precision."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace

from surrogate_bench.comparison.select import Block, Row
from surrogate_bench.comparison.statistics import bootstrap_interval, holm, mean_and_std, signed_rank_p
from surrogate_bench.comparison.tables import Comparison


@dataclass(frozen=True)
class Record:
    """One row's values of one metric; None is what there is no baseline or too few seeds for."""

    dataset: str
    model: str
    loss: str
    metric: str
    n: int
    mean: float | None
    std: float | None
    ci_low: float | None
    ci_high: float | None
    baseline: str | None = None
    difference: float | None = None
    p_value: float | None = None
    p_holm: float | None = None


def render(comparison: Comparison) -> str:
    """CSV with a header, in the order of the tables."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Record)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(record) for record in records(comparison))
    return text.getvalue()


def records(comparison: Comparison) -> Iterator[Record]:
    """Every line of the CSV; p-values are adjusted within one data set, model and metric."""
    for block in comparison.blocks:
        families = []
        for metric in comparison.metrics:
            family = [_record(block, row, metric, comparison.baseline) for row in block.rows]
            adjusted = holm([record.p_value for record in family])
            families.append([replace(record, p_holm=p) for record, p in zip(family, adjusted, strict=True)])
        for of_row in zip(*families, strict=True):
            yield from of_row


def _record(block: Block, row: Row, metric: str, baseline: str) -> Record:
    values = row.values(metric)
    ordered = [values[seed] for seed in sorted(values)]
    interval = bootstrap_interval(ordered)
    record = Record(block.dataset, block.model, row.label, metric, len(values), *mean_and_std(ordered), *interval)
    other = block.baseline_of(row, baseline)
    if other is None:
        return record
    record = replace(record, baseline=other.label)
    base = other.values(metric)
    differences = [values[seed] - base[seed] for seed in sorted(values) if seed in base]
    if other is row or not differences:
        return record
    return replace(record, difference=mean_and_std(differences)[0], p_value=signed_rank_p(differences))
