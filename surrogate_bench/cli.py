"""Words in, exit code out: a first word without = that is no option is a verb; all else is Hydra's."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from surrogate_bench import __version__
from surrogate_bench.errors import UserError, is_memory, one_line, unknown
from surrogate_bench.system.paths import HERE
from surrogate_bench.system.signals import interrupt, interrupted, unheard
from surrogate_bench.system.streams import Lasting

VERBS = {
    "compare": "the comparison table of everything finished under some folders",
    "list": "what there is: losses, metrics, datasets, models, optimizers, relaxations, suites",
    "explain": "why a hard metric gives no gradient, and what each relaxation does about it",
    "export": "TensorBoard's files of a large sweep: surrogate-bench export tensorboard PATH",
    "help": "this page; help compare: a command's own; help loss=focal: a choice's settings",
}
# Imported where its verb is asked for: most of them need what takes long to import.
MODULES = {
    "compare": "surrogate_bench.commands.compare",
    "list": "surrogate_bench.commands.list",
    "explain": "surrogate_bench.commands.explain",
    "export": "surrogate_bench.commands.export",
}

HELP = """surrogate-bench trains the same model on the same data with different losses under one protocol,
and compares hard metrics with their soft twins.

  surrogate-bench                                          one run: breast cancer, mlp, soft F1
  surrogate-bench loss=soft_precision device=cuda          one run; every word is a Hydra override
  surrogate-bench -m loss=bce,soft_f1 'seed=range(10)'     a sweep; ends with its comparison table
  surrogate-bench -m +suite=seed_story                     a ready-made sweep: surrogate-bench list suites
{verbs}

Choices (surrogate-bench list shows each with its reference):
{groups}

Settings, each as key=value; those of a choice stand in its own page, as surrogate-bench help dataset=table:
{settings}

Options: -m sweep over all values given with commas; --cfg job show the configuration and do nothing;
--info searchpath where the YAML files are; --config-dir DIR add your own; --version; --help;
-sc install=bash shell completion: eval "$(surrogate-bench -sc install=bash)".
Exit code: 0 every run has a result, 1 a run failed, 2 a mistake in the words."""


def program() -> None:
    """The process that people start: `main`, then its exit code, which no further Ctrl-C changes."""
    # None where it is closed.
    sys.stdout, sys.stderr = (stream and Lasting(stream) for stream in (sys.stdout, sys.stderr))
    sys.unraisablehook = unheard
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # one more, while `main` was ending after the first
        code = 130
    if code == 130:
        if sys.stdout:
            sys.stdout.flush()
        # Python itself would die of SIGINT where an interrupt met code in a string, of which imports are full.
        os._exit(code)
    sys.exit(code)


def main(arguments: list[str] | None = None) -> int:
    """Runs the program with these words (those of the command line by default) and returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if hasattr(sys.stdout, "reconfigure"):  # a terminal without ± is no reason to show nothing
        sys.stdout.reconfigure(errors="replace")
    code = 0
    try:
        try:
            code = _dispatch(words)
        except Exception as error:
            if interrupted():
                raise KeyboardInterrupt from error
            raise
        if sys.stdout:
            sys.stdout.flush()
        if lost := getattr(sys.stdout, "lost", None):
            raise lost
        return code
    except UserError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        return code
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"error: {one_line(f'{error.strerror or error}{where}')}", file=sys.stderr)
        return 1
    except ImportError as error:  # an installation in pieces, or no memory for a library
        print(f"error: cannot load what this needs: {one_line(error)}", file=sys.stderr)
        return 1
    except Exception as error:
        if is_memory(error):
            print(f"error: out of memory: {one_line(error) or 'ask for less'}", file=sys.stderr)
            return 1
        traceback.print_exc()
        print("this is a fault of surrogate-bench: please report it with the lines above", file=sys.stderr)
        return 1


def _dispatch(words: list[str]) -> int:
    if not HERE.is_dir():
        raise UserError(
            f"surrogate-bench does not run from a zipped package, as {str(HERE.parent)!r}: install it with pip"
        )
    first = words[0] if words else ""
    if first and not first.startswith(("-", "+", "~")) and "=" not in first:
        return _verb(first)(words[1:])
    if {"-h", "--help"} & set(words):
        return _page()
    if "--version" in words:
        print(f"surrogate-bench {__version__}")
        return 0
    from surrogate_bench.commands import complete as completion
    from surrogate_bench.commands import train as app

    if completion.asks(words):
        return completion.complete(words, VERBS)
    return app.run(words)


def _verb(word: str) -> Callable[[list[str]], int]:
    if word not in VERBS:
        raise unknown("command", word, VERBS)
    return _help if word == "help" else importlib.import_module(MODULES[word]).main


def _help(words: list[str]) -> int:
    """The page of the whole program, of the one command that is named, or of a choice, as in help loss=focal."""
    word = words[0] if words else "help"
    if word in ("help", "-h", "--help"):
        return _page()
    return _choice(*word.split("=", 1)) if "=" in word else _verb(word)(["--help"])


def _choice(group: str, name: str) -> int:
    """Shows a choice's own file: what it is, where it comes from, and its settings with what they mean."""
    from surrogate_bench.config.schema import GROUPS
    from surrogate_bench.system.paths import CONF

    known = [*GROUPS, "suite"]
    group = group.removeprefix("+")
    if group not in known:
        raise unknown("group", group, known)
    if name not in (choices := _choices(CONF / group)):
        raise unknown(group, name, choices)
    print((CONF / group / f"{name}.yaml").read_text(encoding="utf-8"), end="")
    return 0


def _page() -> int:
    from surrogate_bench.config.schema import GROUPS
    from surrogate_bench.system.paths import CONF

    verbs = "\n".join(f"  surrogate-bench {verb:<41}{what}" for verb, what in VERBS.items())
    groups = "\n".join(f"  {group}=  {_wrapped(_choices(CONF / group))}" for group in GROUPS)
    paragraphs = (CONF / "config.yaml").read_text(encoding="utf-8").split("\n\n")
    settings = "\n".join(f"  {line}" for paragraph in paragraphs[1:-1] for line in paragraph.splitlines())
    print(HELP.format(verbs=verbs, groups=groups, settings=settings))
    return 0


def _choices(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _wrapped(words: list[str]) -> str:
    import textwrap

    return textwrap.fill(", ".join(words), 100, subsequent_indent=" " * 12)
