"""What a shell completes: scenarios, variants, options, catalogue names. What cannot be read completes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer


def scenarios(incomplete: str) -> list[str]:
    """Shipped scenarios by name, and the YAML files and folders that the text leads to."""
    from tco.shipped import shipped

    names = [path.stem for path in shipped("scenarios").glob("*.yaml")]
    return sorted(n for n in names if n.startswith(incomplete)) + _files(incomplete)


def files(incomplete: str) -> list[str]:
    """YAML files and folders."""
    return _files(incomplete)


def shipped_scenarios(incomplete: str) -> list[str]:
    """Shipped scenarios by name."""
    return [name for name in scenarios(incomplete) if "/" not in name and not name.endswith((".yaml", ".yml"))]


def variants(ctx: typer.Context, incomplete: str) -> list[str]:
    """The variants of the scenario that is named before."""
    return _starting(incomplete, _keys(ctx, "variants"))


def options(ctx: typer.Context, incomplete: str) -> list[str]:
    """The options of the scenario that is named before."""
    return _starting(incomplete, _keys(ctx, "options"))


def entries(incomplete: str) -> list[str]:
    """Every catalogue entry as FILE/ENTRY."""
    return _entries(incomplete, None)


def models(incomplete: str) -> list[str]:
    """APIs of the catalogue."""
    return _entries(incomplete, "models")


def gpus(incomplete: str) -> list[str]:
    """GPUs of the catalogue."""
    return _entries(incomplete, "gpus")


def capacity(incomplete: str) -> list[str]:
    """Capacity profiles of the catalogue."""
    return _entries(incomplete, "capacity")


def sections(incomplete: str) -> list[str]:
    """The sections of a catalogue."""
    from tco.catalog.browse import EVERY_SECTION

    return _starting(incomplete, EVERY_SECTION)


def data_levels(incomplete: str) -> list[str]:
    """How far data can be kept apart."""
    from tco.scenario.requirements import DATA_LEVELS

    return _starting(incomplete, DATA_LEVELS)


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _files(incomplete: str) -> list[str]:
    folder, _, start = incomplete.rpartition("/")
    found = []
    with suppress(OSError):
        for path in sorted(Path(folder or ("/" if incomplete.startswith("/") else ".")).iterdir()):
            if not path.name.startswith(start) or (path.name.startswith(".") and not start):
                continue
            shown = f"{incomplete[: len(incomplete) - len(start)]}{path.name}"
            if path.is_dir():
                found.append(f"{shown}/")
            elif path.suffix in (".yaml", ".yml"):
                found.append(shown)
    return found


def _keys(ctx: typer.Context, key: str) -> list[str]:
    """The names under a key of the scenario on the command line; none where it cannot be read."""
    from tco.analysis.case import document_of
    from tco.document import Faults

    # before a flag that still waits for its value, what stands on the line is not yet sorted into parameters
    named: Any = ctx.params.get("scenario") or next(iter(ctx.args), None)
    with suppress(Faults):
        content = document_of(named).data.get(key) if isinstance(named, str) else None
        return [k for k in content if isinstance(k, str)] if isinstance(content, dict) else []
    return []


_TOP = re.compile(r"(?:^|\n)([a-z_]+):")
_ENTRY = re.compile(r"\n  ([A-Za-z0-9][A-Za-z0-9._+-]*):")


def _entries(incomplete: str, section: str | None) -> list[str]:
    """FILE/ENTRY of the shipped catalogues: file names until there is a `/`, then that file's entries alone."""
    from tco.catalog.store import SECTIONS
    from tco.shipped import shipped

    stem, slash, _ = incomplete.partition("/")
    found = []
    for path in sorted(shipped("pricing").glob("*.yaml")):
        if not (path.stem == stem if slash else path.stem.startswith(incomplete)):
            continue
        text = path.read_text(encoding="utf-8")
        parts = _TOP.split(text)  # a key at the margin, then what stands under it: no need to parse all of it
        for key, content in zip(parts[1::2], parts[2::2], strict=True):
            if key in SECTIONS and section in (None, key):
                found += [f"{path.stem}/{entry}" for entry in _ENTRY.findall(content)]
    return _starting(incomplete, found)
