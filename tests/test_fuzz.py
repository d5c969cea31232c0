"""Shipped and frozen YAML, broken byte by byte: a comparison, or faults with exit code 2; no traceback, no hang.

`FUZZ_EXAMPLES=30000 pytest tests/test_fuzz.py` runs as many as one likes; `make test` runs some hundreds of each.
"""

from __future__ import annotations

import copy
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import tco.cli  # noqa: F401  registers the commands
from tco.cli.app import app

ROOT = Path(__file__).parent.parent
FIXTURES = Path(__file__).parent / "fixtures"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
SECONDS = 20
"""No input may take longer."""

SCENARIOS = [p.read_bytes() for p in sorted(ROOT.glob("scenarios/*.yaml"))]
SCENARIOS.append((FIXTURES / "support.yaml").read_bytes())
CATALOGUE = (FIXTURES / "prices" / "acme.yaml").read_bytes()

_TEXT_TOKENS = """
0|-1|1e5|.nan|.inf|10:30|no|null|~|[]|{}|[1, 2]|{a: 1}|''|"|*a|&a |!!python/object:os.system |<<: |%|rest|\u20ac|1/0
100%|99999999999999999999|0.0000000000000000001|1000T tokens/day|$1e99/hour|$0/hour|1 token/day
EUR|XXX|as_of: 1970-01-01
kind: hybrid|kind: api|kind: self_hosted|routes: {haiku: rest}|overflow: {own: own}|share: rest|candidate: false
replicas: {min: 0, max: 1, spare: 0}|billing: busy_hours|input_tokens: 0|capacity: {requests_per_s: 0.000001}
capacity: {requests_per_s: 1000000000}
"""
TOKENS = [t.encode() for t in _TEXT_TOKENS.strip().replace("\n", "|").split("|")]
TOKENS += [b"---\n", b"\t", b"\x00", b"\xff"]


@st.composite
def broken(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of the originals after a few edits."""
    text = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        match draw(st.sampled_from(["flip", "cut", "token", "value", "line", "byte"])):
            case "flip" if text:
                text[at] = draw(st.integers(0, 255))
            case "cut":
                del text[at : at + draw(st.integers(1, 40))]
            case "token":
                text[at:at] = draw(st.sampled_from(TOKENS))
            case "value":  # what stands after the next colon or comma
                start = max(text.find(b": ", at), 0) + 2
                ends = [x for c in (b"\n", b",", b"}") if (x := text.find(c, start)) >= 0]
                end = min(ends, default=start)
                text[start:end] = draw(st.sampled_from(TOKENS))
            case "line":
                lines = bytes(text).splitlines(keepends=True)
                i, j = (draw(st.integers(0, max(len(lines) - 1, 0))) for _ in range(2))
                lines.insert(i, lines[j] if lines else b"")
                text = bytearray(b"".join(lines))
            case _:
                text[at:at] = draw(st.binary(min_size=1, max_size=6))
    return bytes(text)


WRONG: list[Any] = [
    None,
    [],
    {},
    [1],
    {"a": 1},
    "x",
    "",
    0,
    -1,
    1.5,
    True,
    "100%",
    "rest",
    10**12,
    [[]],
    "$1/hour",
    "acme/small",
]


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place below the top."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield (*path, key)
            yield from places(value, (*path, key))


@st.composite
def reshaped(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of the originals with some values replaced by what has another shape, or by another part of it."""
    data = yaml.safe_load(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 3))):
        paths = sorted(places(data), key=str)
        *parents, last = draw(st.sampled_from(paths))
        at, other = data, data
        for step in parents:
            at = at[step]
        for step in draw(st.sampled_from(paths)):
            other = other[step]
        wrong = draw(st.integers(0, len(WRONG)))
        at[last] = copy.deepcopy(WRONG[wrong] if wrong < len(WRONG) else other)
        if not list(places(data)):
            break
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode()


def runs(work: Callable[[Path], list[str]]) -> None:
    """Run a command in a new directory; it ends in time with exit code 0 or 2 and says why."""

    def too_long(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"no answer within {SECONDS} s")

    with tempfile.TemporaryDirectory() as folder:
        arguments = work(Path(folder))
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(SECONDS)
        try:
            done = CliRunner().invoke(app, arguments)
        finally:
            signal.alarm(0)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code in (0, 2)
        assert done.exit_code == 0 or "found" in done.stderr or "error" in done.stderr.lower()


bounded = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == 300, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@bounded
@given(broken(SCENARIOS) | reshaped(SCENARIOS))
def test_broken_scenarios(content: bytes) -> None:
    def work(folder: Path) -> list[str]:
        os.symlink(FIXTURES / "prices", folder / "prices")
        (folder / "s.yaml").write_bytes(content)
        return ["compare", str(folder / "s.yaml")]

    runs(work)


@bounded
@given(broken([CATALOGUE]) | reshaped([CATALOGUE]))
def test_broken_catalogues(content: bytes) -> None:
    def work(folder: Path) -> list[str]:
        (folder / "prices").mkdir()
        for path in (FIXTURES / "prices").iterdir():
            (folder / "prices" / path.name).write_bytes(path.read_bytes())
        (folder / "prices" / "acme.yaml").write_bytes(content)
        (folder / "s.yaml").write_bytes((FIXTURES / "support.yaml").read_bytes())
        return ["compare", str(folder / "s.yaml")]

    runs(work)


@pytest.mark.parametrize("name", ["compare", "validate", "explain"])
def test_random_bytes(name: str) -> None:
    @settings(bounded, max_examples=100)
    @given(st.binary(max_size=300))
    def check(content: bytes) -> None:
        def work(folder: Path) -> list[str]:
            (folder / "s.yaml").write_bytes(content)
            return [name, str(folder / "s.yaml"), *(["x"] if name == "explain" else [])]

        runs(work)

    check()
