"""Which YAML files are scenarios, for every command that takes folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from tco.document import Fault, Faults, load_text
from tco.document.load import read_bytes

ENDINGS = (".yaml", ".yml")
_KEYS = frozenset({"workload", "options"})
_KEY = re.compile(rf"""^["']?(?:{"|".join(sorted(_KEYS))})["']?[ \t]*:""", re.MULTILINE)
_FLOW = re.compile(r"(?:\s|#[^\n]*\n|---(?=\s))*\{")
"""The top level in braces, after comments and the mark at which a document begins."""


def is_scenario(raw: bytes) -> bool:
    """Whether a YAML text has a key of a scenario at its top: with the other one missing, or read wrong, it is a
    scenario with a fault. What cannot be read may be one, and is not passed over."""
    text = raw.decode("utf-8-sig", "replace")
    if _FLOW.match(text) is None:
        return _KEY.search(text) is not None
    try:
        return bool(_KEYS & set(load_text(raw, "", partial=True).data))
    except Faults:
        return True


def may_be_scenario(path: Path) -> bool:
    """The same of a file; true of one that cannot be read, which is reported when it is."""
    try:
        return is_scenario(read_bytes(path))
    except Faults:
        return True


def yaml_files(folder: Path) -> Iterator[Path]:
    """YAML files at any depth, in order, hidden folders left out. `Faults` for a folder that cannot be looked into."""

    def refuse(problem: OSError) -> None:
        reason = (problem.strerror or "unknown reason").lower()
        raise Faults([Fault(str(problem.filename), 0, 0, f"folder cannot be read ({reason})")])

    for here, below, names in os.walk(folder, onerror=refuse):
        below[:] = sorted(name for name in below if not _hides(name))
        yield from (Path(here, name) for name in sorted(names) if name.endswith(ENDINGS))


def hidden(path: PurePath) -> bool:
    """Whether a file lies in a folder that tools keep for themselves, such as `.git`."""
    return any(_hides(part) for part in path.parent.parts if part != "..")


def _hides(name: str) -> bool:
    return name.startswith(".")
