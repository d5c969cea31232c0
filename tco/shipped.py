"""Where the shipped catalogues and scenarios are: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def shipped(folder: str) -> Path:
    """The folder `pricing` or `scenarios`, as installed or as checked out."""
    package = Path(__file__).resolve().parent
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder


def shown(path: Path) -> Path:
    """A shipped file by its short name (`pricing/aws.yaml`): results do not depend on where tco is installed."""
    for folder in ("pricing", "scenarios"):
        if path.is_absolute() and path.is_relative_to(shipped(folder)):
            return Path(folder) / path.relative_to(shipped(folder))
    if not path.name.isprintable():  # a name may hold what a terminal would obey
        return path.with_name("".join(c if c.isprintable() else "?" for c in path.name))
    return path
