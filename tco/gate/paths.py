"""Which scenarios are meant: files, shipped names, folders of them, patterns. What matches nothing is a fault."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import NamedTuple

from tco.document import Fault, Faults
from tco.scenario.found import may_be_scenario, yaml_files
from tco.shipped import shipped

_PATTERN = re.compile(r"[*?\[]")


class Meant(NamedTuple):
    """The scenarios behind some paths, each once."""

    scenarios: tuple[str, ...]
    skipped: int
    """YAML files of folders and patterns that are no scenarios: catalogues, and what belongs to other tools."""
    faults: tuple[Fault, ...]
    """Paths that lead to no scenario."""


def scenarios(paths: Iterable[str]) -> Meant:
    """The scenarios that paths name. A file that is named is one whatever it holds; of a folder or a pattern those that
    have a `workload` or `options`: with one of them missing, or read wrong, it is a scenario with a fault."""
    found: dict[str, str] = {}
    skipped: set[str] = set()
    faults: list[Fault] = []
    for path in paths:
        try:
            several = _under(path)
            if several is None:
                found.setdefault(_real(path), path)
                continue
            inside = [name for name in several if may_be_scenario(Path(name))]
            skipped |= {_real(name) for name in several} - {_real(name) for name in inside}
            if not inside:
                raise Faults([_nothing(path, len(several))])
            for name in inside:
                found.setdefault(_real(name), name)
        except Faults as problem:
            faults += problem.faults
    return Meant(tuple(found.values()), len(skipped), tuple(faults))


def _under(path: str) -> list[str] | None:
    """The YAML files of a folder or a pattern, in order; None for what names one scenario."""
    place = Path(path)
    if not os.path.lexists(place) and path.rstrip("/") == "scenarios":
        place = shipped("scenarios")
    if place.is_dir():
        return sorted(map(str, yaml_files(place)))
    if os.path.lexists(place) or not _PATTERN.search(path):
        return None
    files: list[str] = []
    for match in sorted(glob(path, recursive=True)):
        files += map(str, yaml_files(Path(match))) if os.path.isdir(match) else [match]
    if not files:
        raise Faults([Fault(path, 0, 0, "no file matches this pattern", "one scenario at least")])
    return sorted(files)


def _nothing(path: str, files: int) -> Fault:
    what = "no YAML file in it" if not files else f"none of its {files} YAML files is a scenario"
    return Fault(path, 0, 0, f"{what}: nothing was checked", "a file with `workload` and `options`")


def _real(path: str) -> str:
    """What tells two ways to one file apart from two files; a shipped name stands for itself."""
    return os.path.realpath(path) if os.path.exists(path) else path
