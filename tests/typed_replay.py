"""`tco replay` run as it is typed, in a folder with a trace, for tests."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fault_server import Server

from tco.replay.record.journal import Recorded, read_journal

HERE = Path(__file__).parent
ENV = {
    "COLUMNS": "80",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "_TYPER_FORCE_DISABLE_TERMINAL": "1",
    "PYTHONWARNINGS": "error",
}
NO_NVML = 'raise ImportError("none here")\n'
"""What stands in for NVML's bindings: what a machine with GPUs prints must not depend on them."""
JOURNAL = "trace.journal.jsonl"


def prepared(folder: Path) -> Path:
    """The folder, with modules that come before the installed ones: no NVML."""
    (folder / "first").mkdir()
    (folder / "first" / "pynvml.py").write_text(NO_NVML)
    return folder


def environment(here: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "TCO_API_KEY"}
    return {**kept, **ENV, "PYTHONPATH": os.pathsep.join([str(here / "first"), str(HERE.parent)]), **more}


def _before_others() -> None:
    """Where that is allowed, the client goes before other processes: tests beside it make it late otherwise."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "tco", "replay", *map(str, arguments)]


def tco(here: Path, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(arguments),
        cwd=here,
        env=environment(here, **env),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=_before_others,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def punctual(here: Path, *arguments: str | Path, tries: int = 4) -> subprocess.CompletedProcess[str]:
    """The same; where a busy machine kept the client from sending in time, which it says, again with a new journal."""
    for left in reversed(range(tries)):
        done = tco(here, *arguments)
        if not left or "the client was late" not in done.stdout + done.stderr:
            break
        (here / JOURNAL).unlink()
    return done


def started(here: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(arguments), cwd=here, env=environment(here), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def replayed(here: Path, server: Server, *options: str) -> dict[str, Any]:
    """The JSON of a replay, which is all that is on stdout."""
    done = punctual(here, "trace.jsonl", "--url", server.url, "--json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def recorded(here: Path, name: str = JOURNAL) -> Recorded:
    return read_journal(here / name)


def cut(here: Path, requests: int = 3) -> None:
    """Leave so many requests of a journal, as a kill does."""
    lines = (here / JOURNAL).read_bytes().splitlines(keepends=True)
    ended = [i for i, line in enumerate(lines) if line.startswith(b'{"kind":"request"')]
    (here / JOURNAL).write_bytes(b"".join(lines[: ended[requests]]))


def wait_for_lines(path: Path, count: int, kind: bytes = b'{"kind":"request"', seconds: float = 30) -> None:
    """Until the journal has so many lines of a kind."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.exists() and sum(line.startswith(kind) for line in path.read_bytes().splitlines()) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path.name} never had {count} lines of {kind!r}")
