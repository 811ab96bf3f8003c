"""The registry reads from the source what importing the components would tell, without importing them."""

import inspect
import json
import subprocess
import sys
import typing

import pytest

from surrogate_bench import registry
from surrogate_bench.errors import UserError, did_you_mean, unknown
from surrogate_bench.registry import WHERE, Entry, entries, lookup

COMPONENTS = [entry for kind in WHERE for entry in entries(kind).values()]
NOT_PUBLISHED = {"folklore", "yours", "the hard metric itself", "the metric's and the relaxation's own"}
every_component = pytest.mark.parametrize("entry", COMPONENTS, ids=lambda entry: f"{entry.kind}-{entry.name}")


@pytest.mark.parametrize(
    ("kind", "some"),
    [
        ("loss", {"bce", "focal", "soft_f1", "soft_precision", "relaxed", "custom"}),
        ("metric", {"precision", "f0.5", "kappa", "auroc", "average_precision", "log_loss", "brier", "ece"}),
        ("relaxation", {"step", "probability", "sigmoid", "straight_through"}),
        ("dataset", {"breast_cancer"}),
        ("model", {"linear", "mlp", "cnn", "resnet18"}),
        ("optimizer", {"sgd", "adam", "adamw"}),
    ],
)
def test_every_kind_has_its_components(kind: str, some: set[str]) -> None:
    found = entries(kind)
    assert found.keys() >= some
    assert all((entry.kind, entry.name) == (kind, name) for name, entry in found.items())
    assert lookup(kind, min(some)) is found[min(some)]


def test_kinds_are_all_tested() -> None:
    assert set(WHERE) == {"loss", "metric", "relaxation", "dataset", "model", "optimizer"}


@every_component
def test_an_entry_is_what_stands_there(entry: Entry) -> None:
    component = entry.load()
    assert component.__name__ == entry.attribute
    assert component.__module__ == entry.module
    assert entry.summary
    assert (inspect.getdoc(component) or "").replace("\n", " ").startswith(entry.summary)
    signature = inspect.signature(component)
    keywords = {name: p for name, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert [p.name for p in entry.parameters] == list(keywords)
    types = typing.get_type_hints(component.__init__ if inspect.isclass(component) else component)
    for parameter in entry.parameters:
        default = keywords[parameter.name].default
        assert parameter.default == (... if default is inspect.Parameter.empty else default)
        assert type(parameter.default) is type(default) or parameter.default is ...
        assert parameter.type == types[parameter.name]


@every_component
def test_an_entry_names_its_source(entry: Entry) -> None:
    reference = entry.info["reference"]
    assert "https://" in reference or "http://" in reference or reference in NOT_PUBLISHED


@pytest.mark.parametrize(
    ("kind", "word", "nearest"),
    [
        ("loss", "sotf_f1", "soft_f1"),
        ("loss", "BCE", "bce"),
        ("metric", "auroch", "auroc"),
        ("relaxation", "sigmoi", "sigmoid"),
        ("dataset", "brest_cancer", "breast_cancer"),
        ("model", "lineer", "linear"),
        ("optimizer", "adamm", "adam"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(kind: str, word: str, nearest: str) -> None:
    with pytest.raises(UserError, match=r"^[^\n]+\Z") as caught:
        lookup(kind, word)
    assert str(caught.value) == f"unknown {kind} {word!r}. Did you mean {nearest!r}?"


def test_where_nothing_is_near_the_choices_are_named() -> None:
    with pytest.raises(UserError) as caught:
        lookup("optimizer", "zzz")
    assert all(name in str(caught.value) for name in entries("optimizer"))
    assert did_you_mean("zzz", map(str, range(20)), show=2) == "; there is 0, 1 and 18 more"
    assert str(unknown("thing", "x", [])) == "unknown thing 'x'"
    assert issubclass(UserError, ValueError)


def test_reading_the_registry_imports_nothing_heavy() -> None:
    heavy = ["torch", "torchvision", "pandas", "sklearn", "scipy", "matplotlib"]
    program = f"""
import json, sys
import surrogate_bench.cli, surrogate_bench.config.parse, surrogate_bench.config.overrides, surrogate_bench.metrics
import surrogate_bench.store.run_id, surrogate_bench.models, surrogate_bench.datasets
from surrogate_bench.losses import list_losses, loss_info
from surrogate_bench.metrics.names import flat_names
from surrogate_bench.registry import WHERE, entries
found = [len(entries(kind)) for kind in WHERE] + [len(flat_names())]
infos = [loss_info(name).family for name in list_losses()]
print(json.dumps([found, len(infos), [name for name in {heavy} if name in sys.modules]]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found, infos, imported = json.loads(done.stdout)
    assert all(found)
    assert infos == len(entries("loss"))
    assert imported == []


def test_two_components_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.WHERE, "twice", "registry.py")
    monkeypatch.setattr(
        registry, "_read", lambda _node, kind, module, _classes: [Entry(kind, "one", module, "x", "", {})]
    )
    with pytest.raises(RuntimeError, match="two twice components are named 'one'"):
        entries("twice")
