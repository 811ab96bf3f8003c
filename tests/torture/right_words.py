"""Command lines at random that are mostly right: choices, values of their types, and questions about stored runs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from surrogate_bench.metrics.names import flat_names
from surrogate_bench.registry import Parameter, entries

COMPONENTS = {group: entries(group) for group in ("loss", "optimizer")}
NAMES = flat_names()[:12]
SMALL = ["dataset=synthetic", "dataset.size=60", "trainer.epochs=1"]
OF_RUNS: dict[str, list[str]] = {
    "seed": ["1", "0,1", "range(3)", "7"],
    "trainer.epochs": ["1", "2", "3"],
    "trainer.batch_size": ["1", "7", "60", "1000", "8,16"],
    "trainer.monitor": ["f1", "auroc", "log_loss", "average_precision", "mcc", "recall,precision", "f0.5", "ece"],
    "trainer.sampler": ["shuffled", "stratified", "stratified,shuffled"],
    "trainer.select": ["last", "best"],
    "trainer.resume": ["true", "false"],
    "trainer.warm_start": ["previous", "null", "x"],
    "precision": ["bf16", "fp32"],
    "deterministic": ["false", "true,false"],
    "device": ["cpu", "cpu", "auto", "cuda"],
    "launcher.width": ["1", "2", "null"],
    "launcher.workers": ["1", "2"],
    "launcher.plan": ["true"],
    "launcher.deadline": ["60", "0.001"],
    "force": ["true"],
    "retry_failed": ["false"],
    "experiment": ["x", "a.b", "e=1"],
    "dataset.features": ["1", "3", "40"],
    "dataset.imratio": ["0.2", "0.05", "0.5", "null"],
    "dataset.fold": ["0", "1", "range(2)", "null"],
    "dataset.folds": ["2", "5"],
    "dataset.validation": ["0", "0.2", "0.5"],
    "dataset.scaling": ["all", "none", "train,none"],
    "model.hidden": ["[4]", "[]", "[3,2]"],
    "model.activation": ["tanh", "sigmoid", "relu,tanh"],
    "model": ["linear", "mlp", "linear,mlp"],
    "optimizer": ["adam", "sgd", "adamw", "adam,sgd"],
}
OF_VERBS: dict[str, list[list[str]]] = {
    "compare": [
        *(["--format", kind] for kind in ("table", "md", "latex", "csv", "html")),
        *(["--view", kind] for kind in ("means,differences", "ranks", "published", "trade-off", "scoreboard", "x")),
        *(["--metrics", names] for names in ("f1", "auroc,f1_tuned", "f1_soft", "ece,brier", "nothing")),
        *(["--rows", keys] for keys in ("loss", "loss,optimizer.lr", "optimizer.lr", "seed", "model", "dataset.x")),
        *(["--select", name] for name in ("auroc", "f1_tuned", "log_loss", "nothing")),
        *(["--baseline", name] for name in ("soft_f1", "bce", "nothing")),
        *(["--out", name] for name in ("x.html", "a/b.csv", "x.md", "x.tex", "x.pdf", "outputs")),
        *(["--curves", name] for name in ("x.svg", "a/x.png", "x.gif")),
        ["--ranks", "r.svg"],
        ["--unequal"],
    ],
    "export": [["tensorboard"], ["tensorboard", "outputs"], ["csv"], ["nothing"]],
    "list": [["losses"], ["metrics"], ["datasets"], ["suites"], ["models"], ["optimizers"], ["x"]],
    "explain": [["f1"], ["precision"], ["auroc"], ["mcc"], ["--out", "x.svg"], ["--out", "x.png"], ["ece"]],
    "help": [["compare"], ["list"], []],
}


def values(parameter: Parameter) -> st.SearchStrategy[str]:
    """Words for a hyperparameter: of its type, whether or not its loss allows them."""
    kind, default = str(parameter.type), parameter.default
    numbers = ["0", "1", "2", "0.5", "0.1", "0.9", "10", "-1", "1e-8", "100", "0.25,0.75", "inf", "nan"]
    words = ["uniform", "cosine", "linear", "logistic", "hinge", "sigmoid", "square", "exponential", "arctan", "hard"]
    choices: list[str] = []
    if "float" in kind or "int" in kind:
        choices += numbers
    if "str" in kind:
        choices += [*words, *NAMES, "balanced", "inverse", "sqrt"]
    if "bool" in kind:
        choices += ["true", "false", "true,false"]
    if "None" in kind:
        choices += ["null"]
    if not isinstance(default, list | dict) and default is not ... and default is not None:
        choices += [str(default).lower() if isinstance(default, bool) else str(default)] * 3
    return st.sampled_from(choices or ["[]", "null", "{}"])


def _component(draw: st.DrawFn, group: str, choice: Any) -> list[str]:
    own = list(COMPONENTS[group][choice].parameters)
    chosen = draw(st.lists(st.sampled_from(own), max_size=2, unique_by=lambda p: p.name)) if own else []
    return [f"{group}.{p.name}={draw(values(p))}" for p in chosen]


@st.composite
def runs(draw: st.DrawFn) -> list[str]:
    """A small run or sweep of one loss."""
    loss = draw(st.sampled_from([name for name in COMPONENTS["loss"] if name != "custom"]))
    words = [f"loss={loss}", *_component(draw, "loss", loss)]
    keys = draw(st.lists(st.sampled_from(sorted(OF_RUNS)), max_size=4, unique=True))
    words += [f"{key}={draw(st.sampled_from(OF_RUNS[key]))}" for key in keys]
    if "optimizer" not in keys:
        words += _component(draw, "optimizer", "adam")
    given = {word.partition("=")[0] for word in words}
    small = [word for word in [*SMALL, "model.hidden=[4]"] if word.partition("=")[0] not in given]
    if any(word.startswith("model=linear") for word in words):
        words = [word for word in words if not word.startswith(("model.hidden", "model.activation"))]
        small = [word for word in small if not word.startswith("model.hidden")]
    several = any("," in word.replace("[3,2]", "") or "range" in word for word in words)
    return ["-m"] * (several or draw(st.booleans())) + small + words


@st.composite
def questions(draw: st.DrawFn) -> list[str]:
    """A verb and its options, to be asked where runs are stored."""
    verb = draw(st.sampled_from(["compare", *OF_VERBS]))
    options = draw(st.lists(st.sampled_from(OF_VERBS[verb]), max_size=4))
    return [verb, *["outputs"] * (verb == "compare"), *(word for option in options for word in option)]


RIGHT = st.one_of(runs(), runs(), runs(), questions())
