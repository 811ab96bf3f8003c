"""conf/ offers every component as it is: one YAML each, with the parameters and the defaults of its signature."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from surrogate_bench.cli import main
from surrogate_bench.config.schema import PRECISIONS, SAMPLERS, SCALINGS, SELECTIONS
from surrogate_bench.datasets.encoding import MANY
from surrogate_bench.losses.operating_points import CONSTRAINTS
from surrogate_bench.models.dense import ACTIVATIONS
from surrogate_bench.registry import entries
from surrogate_bench.training.optimizers import SCHEDULES

CONF = Path(__file__).resolve().parents[1] / "conf"
GROUPS = ("dataset", "model", "loss", "optimizer")
COMPONENTS = [(group, name) for group in GROUPS for name in entries(group)]
# What every data set has beside its own parameters.
OF_EVERY_DATASET = {"positive", "imratio"}
every_component = pytest.mark.parametrize(("group", "name"), COMPONENTS)


def file(group: str, name: str) -> Path:
    return CONF / group / f"{name}.yaml"


def read(group: str, name: str) -> dict[str, Any]:
    content = OmegaConf.to_container(OmegaConf.load(file(group, name)), resolve=False)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def test_there_are_components() -> None:
    assert {group for group, _ in COMPONENTS} >= {"model", "loss", "optimizer"}


@every_component
def test_offers_the_signature(group: str, name: str) -> None:
    content = read(group, name)
    assert content.pop("name") == name
    if group == "dataset":
        assert content.keys() >= OF_EVERY_DATASET
        content = {key: value for key, value in content.items() if key not in OF_EVERY_DATASET}
    expected = {p.name: "???" if p.default is ... else p.default for p in entries(group)[name].parameters}
    assert content == expected
    # 1 is not 1.0 to the schema, nor true.
    assert {key: type(value) for key, value in content.items()} == {k: type(v) for k, v in expected.items()}


@every_component
def test_opens_with_what_it_is(group: str, name: str) -> None:
    what, reference, command, *rest = file(group, name).read_text(encoding="utf-8").splitlines()
    assert what.startswith("# ")
    assert what.endswith(".")
    assert reference == f"# Reference: {entries(group)[name].info['reference']}"
    assert command.startswith("# Command: surrogate-bench ")
    assert f"{group}={name}" in shlex.split(command)
    assert rest[0] == f"name: {name}"


@every_component
def test_its_command_is_made_of_words_that_there_are(group: str, name: str) -> None:
    command = file(group, name).read_text(encoding="utf-8").splitlines()[2].removeprefix("# Command: ")
    words = [word.split("=", 1) for word in shlex.split(command)[1:] if "=" in word]
    chosen = {"dataset": "breast_cancer", "model": "mlp", "loss": "soft_f1", "optimizer": "adam"}
    chosen |= {key: value for key, value in words if key in GROUPS}
    general = OmegaConf.load(CONF / "config.yaml")
    for key, _ in words:
        owner, _, own = key.partition(".")
        if owner in GROUPS and own:
            assert own in read(owner, chosen[owner]), key
        elif owner not in GROUPS:
            assert OmegaConf.select(general, key, default="nothing") != "nothing", key
    for kind in GROUPS:
        # The choice may be several, as a sweep takes them.
        if kind in dict(words):
            assert all(file(kind, choice).is_file() for choice in chosen[kind].split(",")), chosen[kind]


def test_every_file_belongs_to_a_component() -> None:
    files = {(path.parent.name, path.stem) for path in CONF.glob("*/*.yaml") if path.parent.name in GROUPS}
    others = files - set(COMPONENTS)
    # The rest are tables by name: the component's own file, and what they say differently.
    assert all(group == "dataset" and read(group, name)["defaults"] == ["table", "_self_"] for group, name in others)
    assert all(read(*other).keys() <= {"defaults", "positive", *read("dataset", "table")} for other in others)


# The words that options choose among, where modules name them.
WORDS = {*ACTIVATIONS, *CONSTRAINTS, *MANY, *PRECISIONS, *SAMPLERS, *SCALINGS, *SCHEDULES, *SELECTIONS}


@pytest.mark.parametrize("word", sorted(WORDS))
def test_a_word_to_choose_is_a_text_on_the_command_line(word: str) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"key={word}"])
    assert override.value() == word


@pytest.mark.parametrize("name", ["recall_at_precision", "precision_at_recall", "tpr_at_fpr"])
def test_each_constraint_can_be_asked_for(name: str, tmp_path: Path) -> None:
    words = [f"loss={name}", "loss.constraint=bits,rates", "trainer.epochs=1", "model=linear", f"output={tmp_path}"]
    assert main(["-m", *words, "launcher.plan=true"]) == 0
