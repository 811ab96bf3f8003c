"""Options of one choice among several: `loss.focal.gamma=2` is `loss.gamma=2` where the loss is focal, else nothing.

A sweep over choices has them beside one another, and each may need options that the others do not have. Hydra composes
the words of a sweep once beside the default choices, where such options are unknown: until the choices are known, the
words are marked with `++`, as Hydra marks what may be new.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from surrogate_bench.config.schema import GROUPS, PROTOCOL
from surrogate_bench.errors import UserError, did_you_mean, unknown
from surrogate_bench.registry import entries

MARK = "++"
# The choices that a path stands for where it is given alone.
OF_A_PATH = {"dataset": "table", "loss": "custom"}


def asks(words: Iterable[str]) -> bool:
    """True if words have options of one choice, or of a group whose choices they sweep over."""
    words = list(words)
    swept = {_key(word) for word in words if "," in word.partition("=")[2] or "(" in word}
    keys = [_key(word) for word in words if is_option(word)]
    return any(key.count(".") > 1 or key.partition(".")[0] in swept for key in keys)


def implied(words: Iterable[str]) -> list[str]:
    """The choices that words mean without saying so: `dataset.path=my.csv` alone means `dataset=table`."""
    keys = {_key(word) for word in words}
    return [f"{group}={own}" for group, own in OF_A_PATH.items() if f"{group}.path" in keys and group not in keys]


def is_option(word: str) -> bool:
    """True if a word is an option within a group."""
    return _of(_key(word))


class Options:
    """The options of choices in words of a program whose configuration chooses, where the words do not, `chosen`."""

    def __init__(self, loader: Any, chosen: Mapping[str, Any]) -> None:
        self.parser = OverridesParser.create(config_loader=loader)
        self.chosen = dict(chosen)
        self.known = {group: list(loader.get_group_options(group)) for group in GROUPS}

    def marked(self, words: list[str]) -> list[str]:
        """The words as Hydra can take them before any choice is known."""
        overrides = self._checked(words)
        for override in overrides:
            self._refuse_in_part(override, overrides)
        own = [_of(o.key_or_group) and (self._owner(o) or o.key_or_group.count(".") == 1) for o in overrides]
        return [
            MARK + word if mark and not (o.is_add() or o.is_delete()) else word
            for word, o, mark in zip(words, overrides, own, strict=True)
        ]

    def settled(self, words: list[str]) -> list[str]:
        """The words of a single run, of whose choices each has its own options. Raises UserError for any other's."""
        self._checked(words)
        self.check(words, [words])
        return self._job(words)

    def resolved(self, jobs: Iterable[list[str]]) -> list[list[str]]:
        """The words of jobs, each with the options of its own choices."""
        return [self._job(words) if any(_is_marked(word) for word in words) else words for words in jobs]

    def check(self, words: Iterable[str], sweeps: list[list[str]]) -> None:
        """Raises UserError for one of the words that is an option of a choice which none of the sweeps makes."""
        every = [self.parser.parse_overrides(each) for each in sweeps]
        for word in words:
            owner = self._owner(self.parser.parse_override(word))
            if owner and not any(owner[1] in self._choices(owner[0], each) for each in every):
                group, choice, _ = owner
                known = dict.fromkeys(name for each in every for name in self._choices(group, each))
                others = f"{','.join(known)},{choice}"
                raise UserError(
                    f"{word.lstrip('+')!r} is an option of {group}={choice}, which no run has: say {group}={choice}, "
                    f"or in a sweep -m {group}={others}"
                )

    def products(self, words: list[str]) -> Iterator[list[Override]]:
        """The words once for each combination of those choices that have options of their own."""
        overrides = [self._plain(override) for override in self._checked(words)]
        groups = dict.fromkeys(owner[0] for owner in map(self._owner, overrides) if owner)
        choices = {group: self._choices(group, overrides) for group in groups}
        general = [override for override in overrides if not self._owner(override)]
        for combination in itertools.product(*choices.values()):
            picked = dict(zip(groups, combination, strict=True))
            found = {o.get_key_element(): o for o in general}
            for group, choice in picked.items():
                if group in found:
                    found[group] = self.parser.parse_override(f"{group}={choice}")
            for override in overrides:
                owner = self._owner(override)
                if owner and picked[owner[0]] == owner[1]:
                    own = self._renamed(override, f"{owner[0]}.{owner[2]}")
                    found[own.get_key_element()] = own  # it says more than what is said of every choice
            yield list(found.values())

    def _refuse_in_part(self, override: Override, overrides: list[Override]) -> None:
        """Raises UserError for an option of some of the choices that are swept over, and not of the others."""
        group, _, option = override.key_or_group.partition(".")
        if group not in GROUPS or not option or "." in option:
            return
        choices = self._choices(group, overrides)
        lacking = [choice for choice in choices if choice in entries(group) and option not in _options(group, choice)]
        having = [choice for choice in choices if choice not in lacking]
        if lacking and having:
            word = str(override.input_line).lstrip("+")
            ways = (shlex.quote(word.replace(f"{group}.", f"{group}.{choice}.", 1)) for choice in having)
            raise UserError(f"{word!r} is no option of {group}={lacking[0]}: say {' '.join(ways)}")

    def _job(self, words: list[str]) -> list[str]:
        (found,) = self.products(words)
        return [str(override.input_line) for override in found]

    def _choices(self, group: str, overrides: list[Override]) -> list[str]:
        chosen = [o for o in overrides if o.key_or_group == group and not o.is_delete()]
        if not chosen:
            return [str(self.chosen.get(group))]
        last = chosen[-1]
        return list(last.sweep_string_iterator()) if last.is_sweep_override() else [str(last.value())]

    def _owner(self, override: Override) -> tuple[str, str, str] | None:
        """The group, the choice and the option of a word that is for one choice."""
        group, _, rest = override.key_or_group.partition(".")
        choice, _, option = rest.partition(".")
        return (group, choice, option) if option and choice in self.known.get(group, ()) else None

    def _plain(self, override: Override) -> Override:
        """A word without its mark, which only a key within an option needs."""
        marked = override.is_force_add() and _of(override.key_or_group)
        depth = override.key_or_group.count(".") - bool(self._owner(override))
        return self._renamed(override, override.key_or_group, mark="") if marked and depth == 1 else override

    def _renamed(self, override: Override, key: str, *, mark: str | None = None) -> Override:
        before, _, value = str(override.input_line).partition("=")
        mark = before[: len(before) - len(before.lstrip("+~"))] if mark is None else mark
        return self.parser.parse_override(f"{mark}{key}={value}")

    def _checked(self, words: list[str]) -> list[Override]:
        """The words parsed. Raises UserError for a choice that there is not, and an option that its choice lacks."""
        overrides = self.parser.parse_overrides(words)
        for override in overrides:
            group, choice, *option = override.key_or_group.split(".") if _of(override.key_or_group) else ("", "")
            if not option:
                continue
            components = entries(group)
            if choice not in self.known[group]:
                if not any(choice == p.name for entry in components.values() for p in entry.parameters):
                    raise unknown(f"{group} in {override.key_or_group!r}:", choice, self.known[group])
            elif choice in components:
                own = _options(group, choice)
                if option[0] not in own:
                    near = did_you_mean(option[0], own)
                    raise UserError(f"unknown option {override.key_or_group!r} of {group}={choice}{near}")
        return overrides


def _options(group: str, choice: str) -> list[str]:
    own = [parameter.name for parameter in entries(group)[choice].parameters]
    return [*own, *PROTOCOL] if group == "dataset" else own


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _of(key: str) -> bool:
    """True if a key is of an option within a group."""
    group, dot, _ = key.partition(".")
    return bool(dot) and group in GROUPS


def _is_marked(word: str) -> bool:
    key = _key(word)
    return _of(key) and (word.startswith(MARK) or key.count(".") > 1)
