"""The house: what may import what, read from the source. One way, downwards; nothing lower knows anything higher."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tco

PACKAGE = Path(tco.__file__).parent

# DESIGN: cli -> report -> analysis -> options -> scenario, workload, catalog -> quantity, curve, lineitem, units.
# `document` reads YAML for the models of the middle layers; `fields` are their shared field types.
RANKS = {
    "numerals": 0, "units": 1, "ranges": 1, "quantity": 0, "curve": 1, "finance": 1, "calendar": 1,
    "lineitem": 2, "draws": 3, "trends": 3,
    "document": 2, "shipped": 0, "fields": 2, "catalog": 3, "workload": 4, "scenario": 5,
    "options": 6, "analysis": 7, "gate": 8, "traffic": 3, "replay": 8, "report": 9,
    "cli": 10, "frames": 10, "__init__": 11, "__main__": 11,
}  # fmt: skip

# Within `replay`: records, then what is beside each other, then the session that puts it together.
REPLAY = {"http": 1, "record": 1, "load": 2, "measure": 2, "profile": 2, "session": 3}

ONLY_IN = {
    "typer": {"cli"},
    "rich": {"report", "cli"},
    "matplotlib": {
        "report/png.py",
        "report/plan_png.py",
        "report/replay_png_frame.py",
        "report/replay_png_rate.py",
        "report/replay_png_time.py",
    },
    "pandas": {"report", "frames", "__init__"},
    "pydantic": {"document", "fields", "catalog", "workload", "scenario", "options", "report/schema.py"},
    "yaml": {"document"},
    "aiohttp": {"replay"},
    "msgspec": {"traffic", "replay"},
    "prometheus_client": {"replay"},
}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if not p.is_relative_to(PACKAGE / "scenarios"))


def room(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Full names imported anywhere in a file, inside functions too, type checking included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:  # `from tco import curve` names a room, `from tco.curve import merge` a file
                inner = f"{module}.{alias.name}"
                is_file = (PACKAGE.parent / inner.replace(".", "/")).with_suffix(".py").exists()
                yield (inner if is_file or module == "tco" else module), node.lineno


def test_every_room_has_a_rank() -> None:
    assert {room(p) for p in modules()} == set(RANKS)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downwards(path: Path) -> None:
    here = room(path)
    for name, line in imported(path):
        parts = name.split(".")
        if parts[0] != "tco" or len(parts) == 1:
            continue
        there = parts[1]
        if there != here:
            assert RANKS[there] < RANKS[here], f"{path}:{line}: {here} must not import {there}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "replay").rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_within_replay_go_downwards(path: Path) -> None:
    inside = path.relative_to(PACKAGE / "replay").parts
    here = REPLAY[inside[0]] if len(inside) > 1 else 0
    for name, line in imported(path):
        parts = name.split(".")
        if parts[:2] == ["tco", "replay"] and len(parts) > 3 and parts[2] != inside[0]:
            assert REPLAY[parts[2]] < here, f"{path}:{line}: must not import {parts[2]}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    inside = str(path.relative_to(PACKAGE))
    for name, line in imported(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        if allowed is not None:
            assert room(path) in allowed or inside in allowed, f"{path}:{line}: {name} only in {sorted(allowed)}"


def test_no_cycles_between_files() -> None:
    names = {".".join(("tco", *p.relative_to(PACKAGE).with_suffix("").parts)): p for p in modules()}
    names = {n.removesuffix(".__init__"): p for n, p in names.items()}
    edges = {n: {m for m, _ in imported(p) if m in names and m != n} for n, p in names.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name in done:
            return
        for other in edges[name]:
            visit(other, (*path, name))
        done.add(name)

    # `tco.cli.app` is imported by each command and by the package that gathers them; the package itself is no user
    for name in names:
        visit(name, ())


def test_start_imports_nothing_heavy() -> None:
    """`tco --help` and `tco compare` never load what only some outputs need."""
    import subprocess
    import sys

    for arguments, heavy in (
        (["--help"], ("matplotlib", "pandas", "numpy", "pydantic", "yaml")),
        (
            ["compare", "break-even-sketch"],
            ("matplotlib", "pandas", "jsonschema", "numpy.ma", "rich._emoji_codes", "tco.catalog.entries"),
        ),
    ):
        code = f"""
import sys
sys.argv = ["tco", *{arguments!r}]
from tco.cli import main
try:
    main()
except SystemExit:
    pass
print("LOADED", *[m for m in {heavy!r} if m in sys.modules], file=sys.stderr)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr.strip().splitlines()[-1] == "LOADED", done.stderr
