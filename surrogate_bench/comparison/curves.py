"""Training curves of the runs behind a comparison: what the loss sees, soft, beside what is reported, hard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_bench.errors import UserError
from surrogate_bench.system.files import read_records
from surrogate_bench.system.plotting import COLOURS, GREY, picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.axes import Axes

    from surrogate_bench.comparison.run import Run
    from surrogate_bench.comparison.select import Block, Row
    from surrogate_bench.comparison.shown import Comparison

METRICS = "metrics.jsonl"
MOST_PANELS = 4
# Matplotlib leaves what begins with an underscore out of a legend, as a loss of the user's own may.
SHOWN = " "


def draw(comparison: Comparison, path: Path) -> None:
    """Writes a picture (.png, .svg, .pdf): a row of panels a data set and model, a panel a metric, a colour a row.

    Lines are means over the picked runs' seeds of the validation metric at each epoch: solid at threshold 0.5, dashed
    on soft counts; a band of one standard deviation lies around the solid ones. Raises UserError where no run has
    kept its curves.
    """
    abouts = list(dict.fromkeys(column.about for column in comparison.columns))[:MOST_PANELS]
    with picture(path, 3.4 * len(abouts), 2.9 * len(comparison.blocks) + 0.6) as figure:
        axes = figure.subplots(len(comparison.blocks), len(abouts), squeeze=False, sharex="row")
        drawn = 0
        order = colour_order(comparison.blocks)
        for panels, block in zip(axes, comparison.blocks, strict=True):
            for axis, about in zip(panels, abouts, strict=True):
                drawn += _panel(axis, block, about, order, comparison.damaged)
            panels[0].set_ylabel(f"{block.name}\nvalidation", wrap=True)
        if not drawn:
            raise UserError(f"no run has kept its {METRICS}")
        handles, names = axes[0][0].get_legend_handles_labels()
        legend = figure.legend(handles, names, loc="outside lower center", ncols=min(6, len(names)), frameon=False)
        for text in legend.get_texts():
            text.set_text(text.get_text().removeprefix(SHOWN))


def read_epochs(run: Run, damaged: set[Path]) -> list[dict[str, float]]:
    """A run's metrics.jsonl, one record an epoch, null as NaN; [] where it has none or joins the `damaged` ones."""
    file = run.folder / METRICS
    try:
        records = read_records(file, run.curves, run.config.get("trainer.epochs"))
        return [{k: float("nan") if v is None else float(v) for k, v in record.items()} for record in records]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        damaged.add(file)
        return []


def colour_order(blocks: Sequence[Block]) -> list[str]:
    """The rows' labels in the order of their colours, so that a loss has one colour in all panels and charts."""
    return list(dict.fromkeys(row.label for block in blocks for row in block.rows))


def _panel(axis: Axes, block: Block, about: str, order: Sequence[str], damaged: set[Path]) -> int:
    """Draws one metric of every row and returns how many rows had it."""
    from matplotlib.ticker import MaxNLocator

    drawn = 0
    for row in block.rows:
        place = order.index(row.label)
        colour = COLOURS[place] if place < len(COLOURS) else GREY
        hard, soft = (_values(row, f"val_{about}{suffix}", damaged) for suffix in ("", "_soft"))
        if hard is None:
            continue
        drawn += 1
        epochs = range(1, len(hard) + 1)
        mean, low, high = _band(hard)
        axis.plot(epochs, mean, color=colour, label=SHOWN + row.label, linewidth=1.6)
        axis.fill_between(epochs, low, high, color=colour, alpha=0.12, linewidth=0)
        if soft is not None:
            axis.plot(epochs, soft.mean(1), color=colour, linewidth=1.1, linestyle="--")
    axis.plot([], [], color="grey", linewidth=1.1, linestyle="--", label=SHOWN + "soft (dashed)")
    axis.set_title(about.replace("_", " "))
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.25)
    return drawn


def _band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and one sample deviation below and above it, within the range of a metric whose values are shares."""
    import numpy as np

    mean = values.mean(1)
    spread = values.std(1, ddof=1) if values.shape[1] > 1 else np.zeros(len(values))
    low, high = (0.0 if values.min() >= 0 else -np.inf), (1.0 if values.max() <= 1 else np.inf)
    return mean, (mean - spread).clip(low, high), (mean + spread).clip(low, high)


def _values(row: Row, name: str, damaged: set[Path]) -> np.ndarray | None:
    """A row's values [epochs, seeds] of one line of the curves, as far as every seed has them."""
    import numpy as np

    runs = [epochs for run in row.picked.values() if (epochs := read_epochs(run, damaged))]
    curves = [[epoch.get(name, float("nan")) for epoch in epochs] for epochs in runs]
    shortest = min(map(len, curves), default=0)
    values = np.array([curve[:shortest] for curve in curves], dtype=float).T
    return values if values.size and np.isfinite(values).all() else None
