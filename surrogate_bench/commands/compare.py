"""`surrogate-bench compare`: its words."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from surrogate_bench.comparison import BASELINE, compare
from surrogate_bench.comparison.choosing import EACH
from surrogate_bench.comparison.formats import FORMATS
from surrogate_bench.errors import UserError, unknown
from surrogate_bench.system.folders import without_folders

DESCRIPTION = "The comparison table of everything finished under PATH: run folders, experiments, or all of outputs."
EPILOG = """examples:
  surrogate-bench compare outputs
  surrogate-bench compare outputs/imbalance --rows loss,dataset.imratio --metrics f1,mcc
  surrogate-bench compare outputs --select average_precision --format latex --out table.tex
  surrogate-bench compare outputs --metrics precision_at_recall@0.8,tpr_at_fpr@0.01,partial_auroc@0.1
  surrogate-bench compare outputs --view trade-off
  surrogate-bench compare outputs --view effects,pairs --baseline soft_f1
  surrogate-bench compare outputs/threshold --view scoreboard --out scoreboard.md
  surrogate-bench compare outputs/demo --metrics f1,precision,recall --curves curves.png

Values are those of the test part: means and standard deviations over seeds, and over folds, each of which counts as a
seed. Hyperparameters that vary within a row are chosen for each seed by a validation metric, never by test. A row
without a result for some seed is named on the standard error; best marks, differences and ranks go by the seeds that
all have. Rows with unequal budgets (configurations to choose among, epochs) are refused without --unequal.

A row holds runs of one content of data, loss and code: others are rows or tables of their own, named by date and hash.
The same configuration and seed counts once, the newest by its date; how many were left out is said."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(message.removeprefix("argument "))


def main(arguments: list[str]) -> int:
    """Compares what the words say and returns the exit code. Raises UserError for a word that it cannot use."""
    parser = _parser()
    words, rest = parser.parse_known_intermixed_args(arguments)
    if words.help:
        print(parser.format_help(), end="")
        return 0
    for word in rest:
        raise unknown("option", word.partition("=")[0], list(parser._option_string_actions))
    compare(
        words.path or ["outputs"],
        metrics=words.metrics,
        rows=words.rows,
        baseline=words.baseline,
        select=words.select,
        format=words.format,
        out=words.out,
        curves=words.curves,
        ranks=words.ranks,
        view=words.view,
        unequal=words.unequal,
        failed=words.failed,
        within=words.within,
        select_over=words.select_over,
        command=without_folders(shlex.join(["surrogate-bench", "compare", *arguments])),
    )
    return 0


def options() -> list[str]:
    """Every option that the command has."""
    return list(_parser()._option_string_actions)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="surrogate-bench compare",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("path", nargs="*", metavar="PATH", help="folders with runs (default: outputs)")
    add("--metrics", metavar="M,M", help="what to show: f1,tpr_at_fpr@0.01,... ; f1 gives three columns")
    add("--rows", default="loss", metavar="KEY,KEY", help="the configuration's keys that make a row (default: loss)")
    add("--baseline", default=BASELINE, metavar="ROW", help=f"what differences are to (default: {BASELINE})")
    add("--select", metavar="M", help="the validation metric that chooses (default: what the runs monitored)")
    add(
        "--select-over", default=EACH, metavar="seeds", help="one choice for all seeds of a row (default: one for each)"
    )
    add("--format", metavar="|".join(FORMATS), help="default: by the suffix of --out, else table")
    add("--out", metavar="FILE", help="write to this file, whole or not at all")
    add("--curves", metavar="FILE", help="a picture of the training curves, hard and soft (.png, .svg, .pdf)")
    add("--ranks", metavar="FILE", help="the critical-difference diagram across data sets (.png, .svg, .pdf)")
    add(
        "--view",
        metavar="V,V",
        help="of datasets, ranks, means, differences, chosen, published (by default, those that there are), "
        "examples, effects, pairs, trade-off, scoreboard",
    )
    add("--unequal", action="store_true", help="compare rows of unequal budgets, with a warning")
    add(
        "--failed",
        default="skip",
        metavar="worst",
        help="count a seed whose runs failed as the table's worst value",
    )
    add("--within", metavar="X", help="what counts as practically equal: 0.01 (the default), or f1=0.01,auroc=0.005")
    add("-h", "--help", action="store_true", help="this page")
    return parser
