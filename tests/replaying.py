"""Replays for tests: traces made up on the spot, sent to the fault server, in this process or in one of their own.

    python tests/replaying.py '{"trace": ..., "url": ..., "journal": ..., "pace": {"speedup": 2}, "resume": false}'

makes one run, prints `{"reason": ..., "processes": ...}`, and leaves with 4 and a reason where what is outside failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tco.replay.http.guard import check
from tco.replay.load.pace import Pace
from tco.replay.load.run import Order, replay, resumed
from tco.replay.load.source import Source
from tco.replay.load.watch import Watch
from tco.replay.record.journal import Journal, RecordedRun, read_journal

RUN = 1
BLOCK_TOKENS = 16


def trace_file(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """A trace in our own format; 32 tokens in and 4 out where a row does not say."""
    lines = [{"tco_trace": 1, "block_tokens": BLOCK_TOKENS}]
    lines += [{"input_tokens": 32, "output_tokens": 4, **row} for row in rows]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def evenly(path: Path, count: int, per_s: float, **row: Any) -> Path:
    """So many requests, so many a second."""
    return trace_file(path, ({"at_s": i / per_s, **row} for i in range(count)))


def order(trace: Path | str, url: str, pace: Pace | None = None, **changes: Any) -> Order:
    """One client process, and limits that a test can wait for."""
    made = Order(
        run=RUN, source=Source(str(trace)), pace=pace or Pace.of(1), target=check(url), model="tiny", salt="test",
        block_tokens=BLOCK_TOKENS, processes=1, drain_s=5, timeout_s=20,
    )  # fmt: skip
    return made._replace(**changes)


def replayed(journal: Path, made: Order, watch: Watch | None = None, beside: Any = ()) -> RecordedRun:
    """A run from its beginning, as its journal tells it."""
    with Journal.create(journal, {}) as writing:
        replay(made, writing, watch or Watch(), beside)
    (run,) = read_journal(journal).runs
    return run


def gone_on(journal: Path, made: Order, watch: Watch | None = None) -> RecordedRun:
    """A run that was cut, gone on with to its end."""
    before = next((r for r in read_journal(journal).runs if r.run == made.run), None)
    if before is not None:
        made = resumed(made, before)
    with Journal.resume(journal) as writing:
        writing.begin(made.run, {})
        replay(made, writing, watch or Watch())
    (run,) = read_journal(journal).runs
    return run


def started(told: dict[str, Any], **options: Any) -> subprocess.Popen[str]:
    """The same in a process of its own."""
    return subprocess.Popen(
        [sys.executable, __file__, json.dumps(told, default=str)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def wait_for_lines(process: subprocess.Popen[str], journal: Path, count: int, seconds: float = 15) -> None:
    """Until the journal has the outcomes of so many requests. Fails where the process ends before, or in that time."""
    until = time.monotonic() + seconds
    while journal.read_bytes().count(b'"kind":"request"') < count:
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < until, f"no {count} requests in {seconds:g} s"
        time.sleep(0.005)


def main() -> int:
    """As told by the first argument."""
    told = json.loads(sys.argv[1])
    made = order(told["trace"], told["url"], Pace.of(**told.get("pace", {})), **told.get("order", {}))
    if "file_limit" in told:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (told["file_limit"], resource.RLIM_INFINITY))
    try:
        if told.get("resume"):
            before = next((r for r in read_journal(told["journal"]).runs if r.run == made.run), None)
            if before is not None:
                made = resumed(made, before)
            journal = Journal.resume(told["journal"])
        else:
            journal = Journal.create(told["journal"], {})
        with journal:
            journal.begin(made.run, {})
            made.source.check(made.pace)  # opens the trace, which takes a while
            print("on", flush=True)
            ended = replay(made, journal, Watch())
    except OSError as error:
        print(f"{error.strerror}", file=sys.stderr)
        return 4
    print(json.dumps({"reason": ended.reason, "processes": ended.processes, "modules": sorted(sys.modules)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
