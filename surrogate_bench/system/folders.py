"""Names of files without the folders that they lie in, which are nobody else's business."""

from __future__ import annotations

import re
from collections.abc import Collection

# Where a path begins that says more than where something lies within the folder that the program runs in.
_START = r"(?:~[\w.-]*[/\\]|[A-Za-z]:[/\\]|[/\\]|\.\.[/\\])"
_WHOLE = re.compile(_START + r".*", re.DOTALL)
_QUOTED = re.compile(rf"(?P<quote>['\"])(?P<path>{_START}[^'\"]*)(?P=quote)")
_BARE = re.compile(rf"(?<![\w.:/\\<>~'\"}}-]){_START}(?:[^\s'\",;:()/\\]+[/\\])+(?=[^\s/\\])")

# Below a folder that an environment variable names.
_BELOW = re.compile(r"(\$\{[^{}]*\}/)(?:[^\s'\",;:()/\\]+/)+")


def without_folders(text: str) -> str:
    """A value or a sentence in which `/home/a/x.csv` is `x.csv`; what lies within the working folder keeps its path."""
    if _WHOLE.fullmatch(text) and "\n" not in text and " '" not in text:
        return _name(text)
    text = _BELOW.sub(r"\1", text)
    text = _QUOTED.sub(lambda found: f"{found['quote']}{_name(found['path'])}{found['quote']}", text)
    return _BARE.sub("", text)


def tails(paths: Collection[str]) -> dict[str, str]:
    """Each path's name, with as many of the folders above it as tell these paths from each other."""
    parts = {path: [part for part in re.split(r"[/\\]", path) if part] for path in paths}
    for count in range(1, max(map(len, parts.values()), default=0) + 1):
        found = {path: "/".join(own[-count:]) for path, own in parts.items()}
        if len(set(found.values())) == len(parts):
            return found
    return {path: path for path in paths}


def _name(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path
