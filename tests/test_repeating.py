"""The command that repeats a run says every value so that Hydra reads it as the same one, of the same type."""

from __future__ import annotations

import math
import shlex
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from surrogate_bench.config.overrides import command, spelled
from surrogate_bench.config.parse import read
from surrogate_bench.system.paths import CONF

LOOKS = [
    *("null", "Null", "NULL", "~", "true", "TRUE", "false", "yes", "No", "on", "Off", "y", "N"),
    *("0", "1", "-1", "+1", "007", "1_000", "1e5", "1E-5", ".5", "5.", "1.5e+3", "nan", ".nan", "inf", "-inf", "+Inf"),
    *("0x1f", "0o7", "0b1", "12:30:45", "2026-11-26", "2026-11-26 01:02:03", "1:2"),
    *("", " ", " a", "a ", "\t", "a b", "a\n", "a,b", "[1]", "{a:1}", "a=b", "a:b", "a: b", "#", "a #b", "- a", "!x"),
    *("'", '"', "'a'", '"a"', "\\", "\\\\", "a\\", "${x}", "$x", "???", "%", "@", "*", "&a", "|", ">", "größe", "数"),
    *(
        "e5",
        "_1",
        "-a",
        "--",
        "/tmp/x",
        "./1",
        "../2",
        "a.b",
        "my.py:Loss",
        "cuda:0",
        "x-s0-1e5",
        "glob(*)",
        "range(3)",
    ),
]
texts = st.sampled_from(LOOKS) | st.text(max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([1e-7, -0.0, 1e22, 2.0**60, 1e16])
    | texts
)
# Hydra knows no quotes around a key: of texts it can say those that begin as a word does.
keys = (
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,5}", fullmatch=True).filter(
        lambda key: key.lower() not in ("null", "true", "false", "inf", "nan")
    )
    | st.sampled_from(["a b", "a.b", "a:b", "a,b", "a=b", "a[0]", "a{b}", "a\\b", "a(b)", "yes", "on", "x/y"])
    | st.integers(0, 99)
    | st.booleans()
)
values = st.recursive(
    scalars, lambda own: st.lists(own, max_size=3) | st.dictionaries(keys, own, max_size=3), max_leaves=6
)


def typed(value: Any) -> Any:
    """The value with the types of all its parts."""
    if isinstance(value, dict):
        return {(type(key).__name__, key): typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, value, math.copysign(1, value) if isinstance(value, float) else 0


@settings(max_examples=300, deadline=None)
@given(values)
def test_a_value_is_read_as_it_was(value: Any) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"x={spelled(value)}"])
    found = OmegaConf.to_container(OmegaConf.create({"x": override.value()}), resolve=True)
    assert typed(found) == typed({"x": value})


@pytest.mark.parametrize("text", LOOKS)
def test_a_text_that_looks_like_something_else_is_a_text(text: str) -> None:
    for value in (text, [text], {"a": text}, [{"a": [text]}]):
        (override,) = OverridesParser.create().parse_overrides([f"x={spelled(value)}"])
        found = OmegaConf.to_container(OmegaConf.create({"x": override.value()}), resolve=True)
        assert typed(found) == typed({"x": value})


def test_plain_words_stand_without_quotes() -> None:
    for text in ("bce", "my.py:Loss", "/tmp/a-b/c.csv", "../x.csv", "cuda:0", "average_precision"):
        assert spelled(text) == text


ARGS: list[dict[Any, Any]] = [
    {"by": "1", "how": None, "deep": {"a": "true", "b": {"c": [1, "2"]}}},
    {"1": "x", "true": 2, "null": 3, "on": {"0": "yes"}},
    {2: "x", True: "y", "a.b": {"c d": "1e5"}},
    {"empty": {}, "list": [], "text": "", "nested": {"more": {"e": {}}}},
]


@pytest.mark.parametrize("args", ARGS)
def test_the_command_gives_the_same_run(args: dict[Any, Any]) -> None:
    words = ["dataset=table", "dataset.path=t.csv", 'dataset.target="2"', 'dataset.missing=["null","1"]']
    words += ['dataset.positive="1"', "loss=custom", "loss.path=my.py:Own", "trainer.monitor=log_loss"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("config", words)
        OmegaConf.update(composed, "loss.args", args, force_add=True)
        run = read(composed)
        again = read(compose("config", shlex.split(command(run))[1:]))
    assert (again, typed(vars(again)["loss"]), typed(vars(again)["dataset"])) == (
        run,
        typed(run.loss),
        typed(run.dataset),
    )
    assert run.dataset["target"] == "2"
    assert run.loss["args"] == args
