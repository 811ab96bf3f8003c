"""Command lines at random: Hydra's override grammar over the whole schema, verbs and options, right and wrong."""

from __future__ import annotations

import dataclasses
import string

from hypothesis import strategies as st

from surrogate_bench.config.schema import GROUPS, LauncherConfig, Settings, TrainerConfig
from surrogate_bench.metrics.names import flat_names
from surrogate_bench.registry import entries

# Small, so that what happens to be right is over at once. A later word of the same key is Hydra's to refuse.
TINY = ["dataset=synthetic", "dataset.size=60", "trainer.epochs=1", "model.hidden=[4]"]
# What takes longer the larger it is, or names a place: these get values of their own.
COSTLY = {
    "trainer.epochs": ["1", "2", "0", "-1", "1.5", "null", "many"],
    "dataset.size": ["60", "20", "0", "-5", "100000000", "1e9", "null"],
    "dataset.features": ["1", "5", "0", "100000", "99999999999"],
    "model.hidden": ["[4]", "[]", "[0]", "[1000000000]", "4", "[a]", "{a:1}", "[[4]]", "null"],
    "output": ["outputs", "x/y", "../up", "''", ".", "a\nb", "null", "é" * 100, "x" * 300, "'${seed}'"],
    "dataset.root": ["here", "null", "''"],
    "hydra.run.dir": [".", "x", "../up", "'${seed}'"],
    "hydra.sweep.dir": [".", "x"],
    "launcher.workers": ["1", "2", "0", "null", "-1", "x"],
}
# Data sets that would be downloaded, and what Hydra itself would run or write for long.
ELSEWHERE = ("mnist", "fashion_mnist", "kmnist", "cifar10", "openml")

CHOICES = {group: [name for name in entries(group) if name not in ELSEWHERE] for group in GROUPS}
OWN = [
    *(f.name for f in dataclasses.fields(Settings) if f.name not in ("trainer", "launcher")),
    *(f"trainer.{f.name}" for f in dataclasses.fields(TrainerConfig)),
    *(f"launcher.{f.name}" for f in dataclasses.fields(LauncherConfig)),
]
OF_COMPONENTS = sorted({f"{g}.{p.name}" for g in GROUPS for e in entries(g).values() for p in e.parameters})
HYDRA = ["hydra.job.name", "hydra.verbose", "hydra.job.chdir", "hydra.output_subdir", "hydra.mode", "hydra.searchpath"]
HYDRA += ["hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.launcher._target_", "hydra.sweeper.params"]
HYDRA += ["hydra/launcher", "hydra/sweeper", "hydra/job_logging", "hydra", "hydra.help.template", "hydra.callbacks"]
KEYS = [*OWN, *OF_COMPONENTS, *HYDRA, *GROUPS, "dataset.positive", "dataset.imratio", "trainer", "launcher", "suite"]

# No slash: nothing at random may name a place outside of the folder that is looked at afterwards.
CHARACTERS = st.one_of(
    st.sampled_from(string.ascii_letters + string.digits + "=,.:[]{}()'\"$~+-@!#%&*?\\ _<>|;^`"),
    st.characters(exclude_characters="/\0", exclude_categories=()),
    st.sampled_from("\udc80\udcff\x1b\r\n\t\u202e\ufeff\u2028é漢🙂"),
)
TEXT = st.one_of(st.text(CHARACTERS, max_size=12), st.sampled_from(["", " ", "x" * 5000, "[" * 200, "(" * 40, "\\"]))
NUMBERS = st.one_of(
    st.integers(-3, 12).map(str),
    st.floats().map(repr),
    st.sampled_from(["1e400", "-inf", "nan", ".5", "1_000", "0x10", "9" * 30, "-0", "1e-320", "9" * 5000, "2**3"]),
)
WORDS = st.sampled_from(
    ["null", "true", "false", "True", "~", "???", "f1", "bce", "auto", "cpu", "cuda", "cuda:9", "mps", "malignant"]
    + ["../up", "a/b", "<b>x</b>", "[bold]x[/]", "'a b'", '"a,b"', "'", '"', "!!python/object:os.system", "a=b"]
    + ["my_loss.py:MyLoss", "nope.csv", ".", "..", "...", "%s%n", "{}", "[]", "stratified", ">=1", "$HOME", "=", "\\,"]
)
INTERPOLATIONS = st.sampled_from(
    [
        "${seed}",
        "${trainer.epochs}",
        "${nothing}",
        "${oc.env:HOME}",
        "${oc.env:NOTHING}",
        "${hydra:job.num}",
        "${",
        "${}",
    ]
    + ["${oc.decode:'[1'}", "${.seed}", "${..seed}", "${oc.select:x,1}", "${loss}", "${output}${seed}", "${experiment}"]
    + ["${now:%Y}", "${eval:1}", "${oc.create:{a:1}}", "${seed", "$${seed}", "${oc.dict.keys:loss}", "${hydra.job}"]
)
SIMPLE = st.one_of(NUMBERS, WORDS, TEXT, INTERPOLATIONS, st.sampled_from(flat_names()))


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=3).map(",".join)
    function = st.sampled_from(
        ["range", "glob", "choice", "interval", "shuffle", "sort", "tag", "int", "float", "str", "bool", "json_str"]
        + ["extend_list", "nothing"]
    )
    return st.one_of(
        several.map(lambda v: f"[{v}]"),
        st.lists(st.tuples(st.one_of(TEXT, st.sampled_from("abc")), inner), max_size=2).map(
            lambda pairs: "{" + ",".join(f"{k}:{v}" for k, v in pairs) + "}"
        ),
        several,
        st.builds(lambda f, v: f"{f}({v})", function, several),
        inner.map(lambda v: f"'{v}'"),
        inner.map(lambda v: f'"{v}"'),
    )


VALUES = st.recursive(SIMPLE, _grown, max_leaves=4)
RANGES = st.sampled_from(["range(3)", "range(0,1,0)", "range(1000000000)", "range(0,1,1e-9)", "range(3,1)", "glob(*)"])


@st.composite
def _key(draw: st.DrawFn) -> str:
    key = draw(st.sampled_from(KEYS))
    change = draw(st.integers(0, 11))
    if change == 0:
        place = draw(st.integers(0, len(key)))
        key = key[:place] + draw(st.sampled_from("abe._/@:- ")) + key[place + 1 :]
    elif change == 1:
        key = draw(TEXT)
    elif change == 2:
        key += draw(
            st.sampled_from(["@model", "@_global_", "@", ".x", ".0", ".name", ".", "@a:b", "[0]", "/x", "._target_"])
        )
    return key


@st.composite
def override(draw: st.DrawFn) -> str:
    """A word for Hydra: mostly of a shape that it reads."""
    key = draw(_key())
    prefix = draw(st.sampled_from([""] * 8 + ["+", "++", "~", "+++", "-", "~~"]))
    if prefix.startswith("~") and draw(st.booleans()):
        return prefix + key
    kind = draw(st.integers(0, 9))
    if key in COSTLY:
        value = draw(st.sampled_from(COSTLY[key]))
    elif key in GROUPS and kind < 8:
        value = ",".join(draw(st.lists(st.sampled_from([*CHOICES[key], "nothing"]), min_size=1, max_size=2)))
    elif kind == 8:
        value = draw(RANGES)
    else:
        value = draw(VALUES)
    return prefix + key + draw(st.sampled_from(["="] * 12 + ["", "==", " = ", ":"])) + value


OPTIONS = st.sampled_from(
    [["-m"], ["--multirun"], ["--cfg", "job"], ["--cfg=all"], ["--cfg", "hydra"], ["-c", "x"], ["--info"]]
    + [["--info", "searchpath"], ["--info=defaults-tree"], ["--info=plugins"], ["-cn", "config"], ["-cn", "nothing"]]
    + [["--config-name=../x"], ["--config-dir", "."], ["--config-dir", "nothing"], ["-cd", ""], ["-cp", "."], ["--run"]]
    + [["--config-path", "nothing"], ["--resolve"], ["--package", "loss"], ["-p", "nothing"], ["--hydra-help"], ["--"]]
    + [["-sc", "install=bash"], ["-sc", "query=bash"], ["-sc", "x"], ["--shell-completion"], ["-sc", "uninstall=fish"]]
    + [["--experimental-rerun", "nothing"], ["--version"], ["-h"], ["--help=x"], ["-x"], ["--multi"], ["-"], ["---m"]]
    + [["--info", "all"], ["--info=config"], ["-mm"], ["-c"], ["--cfg"], ["--"], ["-m", "-m"], ["--run", "-m"]]
)
HYDRAS = st.builds(
    lambda tiny, words, options: [*(word for own in options for word in own), *(TINY if tiny else []), *words],
    st.integers(0, 4).map(bool),
    st.lists(override(), max_size=3),
    st.lists(st.one_of(st.just(["-m"]), st.just(["-m"]), OPTIONS), max_size=2),
)
VERBS = {
    "compare": [
        "outputs",
        ".",
        "nothing",
        "--metrics",
        "--rows",
        "--baseline",
        "--select",
        "--format",
        "--out",
        "--curves",
    ]
    + [
        "-h",
        "--",
        "f1",
        "f1,f3",
        "loss",
        "csv",
        "html",
        "latex",
        "md",
        "x.png",
        "x.txt",
        "a/b.csv",
        "--metrics=",
        "--x",
    ]
    + ["loss,dataset.imratio", ",", "--format=pdf", "--curves=x.gif", "--out=outputs"],
    "list": ["losses", "metrics", "datasets", "suites", "models", "-h", "loses", "relaxations", "optimizers"],
    "explain": ["f1", "precision", "auroc", "--out", "x.png", "x.svg", "x.txt", "-h", "f7", "mcc", "a/x.png", "--out="],
    "export": ["tensorboard", "outputs", "nothing", "-h", "csv", "."],
    "help": ["compare", "x", "-h"],
    "compar": ["x"],
}
VERBAL = st.sampled_from(sorted(VERBS)).flatmap(
    lambda verb: st.lists(st.one_of(st.sampled_from(VERBS[verb]), st.sampled_from(VERBS[verb]), TEXT), max_size=4).map(
        lambda words: [verb, *words]
    )
)
WRONG = st.one_of(HYDRAS, HYDRAS, HYDRAS, HYDRAS, VERBAL, st.lists(TEXT, max_size=3))
