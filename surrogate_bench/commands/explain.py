"""`surrogate-bench explain`: its words."""

from __future__ import annotations

import sys
from pathlib import Path

from surrogate_bench.errors import UserError, unknown
from surrogate_bench.metrics.names import names
from surrogate_bench.system.plotting import SUFFIXES
from surrogate_bench.system.temporary import target

USAGE = """usage: surrogate-bench explain METRIC [--out FILE.png|FILE.svg|FILE.pdf]

Why the hard METRIC gives no gradient, and what each relaxation does about it: computed by autograd on ten examples, of
which one score is moved from 0.6 to 0.7. With --out also a picture of the memberships and their gradients.

METRIC is one of {metrics}."""

# Why the other groups of metrics have no counts to relax.
OTHERS = {
    "ranking": "depends on the order of the scores alone",
    "operating_point": "chooses its threshold itself",
    "calibration": "is taken on the probabilities",
}


def main(words: list[str]) -> int:
    """Explains what the words name and returns the exit code. Raises UserError for a word that it cannot use."""
    if {"-h", "--help"} & set(words):
        print(USAGE.format(metrics=", ".join(names("threshold"))))
        return 0
    metric, out = _parsed(words)
    if hasattr(sys.stdout, "reconfigure"):  # a terminal without → is no reason to show nothing
        sys.stdout.reconfigure(errors="replace")
    from surrogate_bench.explanation.example import explain
    from surrogate_bench.explanation.terminal import show

    explained = explain(metric)
    show(explained)
    if out:
        from surrogate_bench.explanation.picture import draw

        draw(explained, out)
        print(f"\nwritten: {out}")
    return 0


def _parsed(words: list[str]) -> tuple[str, Path | None]:
    metrics, out, rest = [], None, list(words)
    while rest:
        word = rest.pop(0)
        if word == "--out" or word.startswith("--out="):
            value = word.partition("=")[2] or (rest.pop(0) if rest and word == "--out" else "")
            if not value:
                raise UserError("--out needs a file, as in --out explain.png")
            out = target(Path(value), SUFFIXES)
        elif word.startswith("-"):
            raise unknown("option", word.partition("=")[0], ["--out", "--help"])
        else:
            metrics.append(word)
    known = names("threshold")
    if len(metrics) != 1:
        given = "two or more were named" if metrics else "none was named"
        raise UserError(f"explain needs one metric, {given}; there is {', '.join(known)}")
    for group, why in OTHERS.items():
        if metrics[0].partition("@")[0] in names(group):
            raise UserError(f"{metrics[0]} {why}; explain is about the metrics on counts: {', '.join(known)}")
    if metrics[0] not in known:
        raise unknown("metric", metrics[0], known)
    return metrics[0], out
