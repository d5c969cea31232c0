"""The journal of a replay: what is written is read again, whatever happened to whoever wrote it."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tco.document import Faults
from tco.replay.http.target import Key
from tco.replay.outcome import Outcome
from tco.replay.record.journal import Journal, outcomes_of, read_journal

GOOD = Outcome(0, 1000, 1010, 51_000, 111_000, 112_000, (20_000, 40_000), 128, 3, 64, "ok")
REFUSED = Outcome(1, 2000, None, None, None, 2500, (), None, None, None, "refused", None, "ECONNREFUSED")
BUSY = Outcome(2, 3000, 3001, None, None, 4000, (), None, None, None, "http", 429, "RateLimit")
CANCELLED = Outcome(3, 4000, 4001, 9000, 9000, 9500, (), None, None, None, "cancelled")


def written(path: Path, *outcomes: Outcome, ended: bool = True) -> Path:
    with Journal.create(path, {"salt": "s"}) as journal:
        journal.begin(1, {"speedup": 2.0})
        for outcome in outcomes:
            journal.add(outcome)
        if ended:
            journal.end(1, {"reason": "done"})
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.create(path, {"salt": "s", "n": 1}) as journal:
        journal.note("warm", {"requests": 2})
        journal.begin(1, {"speedup": 2.0})
        for outcome in (GOOD, REFUSED, BUSY):
            journal.add(outcome)
        journal.note("processes", {"processes": 2})
        journal.end(1, {"reason": "done"})
        journal.end(1, {"watts": 300})
        journal.begin(2, {"concurrency": 8})
        journal.add(GOOD)
    recorded = read_journal(path)
    assert recorded.header == {"salt": "s", "n": 1}
    assert recorded.notes == ({"requests": 2, "kind": "warm"},)
    assert (recorded.cut, recorded.skipped) == (False, 0)
    first, second = recorded.runs
    assert first.run == 1 and first.about == {"speedup": 2.0}
    assert first.outcomes == [GOOD, REFUSED, BUSY]
    assert first.notes == [{"processes": 2, "kind": "processes"}]
    assert first.ended == {"reason": "done", "watts": 300}
    assert second.outcomes == [GOOD] and second.ended is None
    assert list(outcomes_of(path, 1)) == [GOOD, REFUSED, BUSY]


def test_each_line_is_in_the_file_when_its_call_returns(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "j", {}) as journal:
        journal.begin(1, {})
        for lines, outcome in enumerate((GOOD, REFUSED, BUSY), start=3):
            journal.add(outcome)
            assert (tmp_path / "j").read_text().count("\n") == lines


def test_lines_are_plain_json_and_hold_no_more_than_they_need(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path / "j", GOOD, REFUSED).read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["header", "run", "request", "request", "end"]
    assert lines[2] == {
        "kind": "request", "run": 1, "index": 0, "due": 1000, "sent": 1010, "first": 51_000, "last": 111_000,
        "end": 112_000, "gaps": [20_000, 40_000], "input": 128, "output": 3, "cached": 64,
    }  # fmt: skip
    assert lines[3] == {
        "kind": "request", "run": 1, "index": 1, "due": 2000, "end": 2500,
        "status": "refused", "detail": "ECONNREFUSED",
    }  # fmt: skip


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    path = written(tmp_path / "j", GOOD)
    before = path.read_bytes()
    with pytest.raises(Faults, match="never written over") as caught:
        Journal.create(path, {})
    assert "--resume" in caught.value.faults[0].hint
    assert path.read_bytes() == before


def test_two_processes_may_not_write_one_journal(tmp_path: Path) -> None:
    path = written(tmp_path / "j", GOOD)
    with Journal.resume(path), pytest.raises(BlockingIOError, match="another process writes this journal"):
        Journal.resume(path)
    Journal.resume(path).close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "this file is empty"),
        (b"at,input,output\n1,2,3\n", "this is no journal"),
        (b'{"kind":"request","run":1,"index":0,"due":0}\n', "this is no journal"),
        (b'{"kind":"header","tco_journal":99,"about":{}}\n', "version that is not known here"),
        (b'{"kind":"header","tco_jou', "first line is cut"),
        (b"\x00\xff" * 50, "this is no journal"),
        (b'{"kind":"header",' + b"[" * 100_000, "this is no journal"),
    ],
)
def test_what_is_no_journal(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    with pytest.raises(Faults, match=message) as caught:
        read_journal(path)
    assert (caught.value.faults[0].line, caught.value.faults[0].col) == (1, 1)
    with pytest.raises(Faults, match=message):
        Journal.resume(path)
    assert path.read_bytes() == content


def test_a_file_that_is_missing_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_journal(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        Journal.resume(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        Journal.create(tmp_path / "no folder" / "j", {})


def test_cut_at_every_byte_of_its_last_line(tmp_path: Path) -> None:
    """Whatever is left of the last line: the others are read, it is said, and nothing is lost that comes after."""
    whole = written(tmp_path / "whole", GOOD, REFUSED, BUSY, ended=False).read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(start, len(whole)):
        path = tmp_path / f"cut {cut}"
        path.write_bytes(whole[:cut])
        recorded = read_journal(path)
        lacks_its_end_alone = cut == len(whole) - 1
        kept = [GOOD, REFUSED, BUSY] if lacks_its_end_alone else [GOOD, REFUSED]
        assert recorded.runs[0].outcomes == kept
        assert recorded.cut == (cut not in {start, len(whole) - 1})
        assert recorded.skipped == 0
        with Journal.resume(path) as journal:
            journal.begin(1, {"again": True})
            journal.add(CANCELLED)
        again = read_journal(path)
        assert again.runs[0].outcomes == [*kept, CANCELLED]
        assert again.runs[0].notes == [{"again": True, "kind": "resumed"}]
        assert (again.cut, again.skipped) == (False, int(recorded.cut))


def test_a_damaged_line_in_the_middle_is_counted(tmp_path: Path) -> None:
    lines = written(tmp_path / "j", GOOD, REFUSED, BUSY).read_bytes().splitlines(keepends=True)
    damaged = [b"\x00" * 20 + b"\n", b'{"kind":"request","run":1,"index":"x"}\n', b'{"kind":"weather"}\n', b"\n"]
    (tmp_path / "j").write_bytes(b"".join([*lines[:3], *damaged, *lines[3:]]))
    recorded = read_journal(tmp_path / "j")
    assert recorded.runs[0].outcomes == [GOOD, REFUSED, BUSY]
    assert recorded.skipped == 3  # an empty line lacks nothing
    assert not recorded.cut


def test_what_was_stopped_and_sent_again_is_there_once(tmp_path: Path) -> None:
    path = written(tmp_path / "j", GOOD, CANCELLED)
    assert read_journal(path).runs[0].done == {GOOD.index}
    again = GOOD._replace(index=CANCELLED.index)
    with Journal.resume(path) as journal:
        journal.begin(1, {})
        assert read_journal(path).runs[0].ended is None
        journal.add(again)
        journal.end(1, {"reason": "done"})
    run = read_journal(path).runs[0]
    assert run.outcomes == [GOOD, again]
    assert run.done == {GOOD.index, CANCELLED.index}


def test_a_key_cannot_be_written(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "j", {}) as journal, pytest.raises(TypeError):
        journal.note("oops", {"key": Key("secret-1234")})
    assert b"secret-1234" not in (tmp_path / "j").read_bytes()


def test_only_who_owns_it_reads_it(tmp_path: Path) -> None:
    assert written(tmp_path / "j", GOOD).stat().st_mode & 0o077 == 0


def test_threads_do_not_cut_each_others_lines(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "j", {}) as journal:
        journal.begin(1, {})

        def notes() -> None:
            for i in range(300):
                journal.note("load", {"at_s": i, "filler": "x" * 500})

        threads = [threading.Thread(target=notes) for _ in range(4)]
        for thread in threads:
            thread.start()
        for i in range(300):
            journal.add(GOOD._replace(index=i))
        for thread in threads:
            thread.join()
    recorded = read_journal(tmp_path / "j")
    assert (len(recorded.runs[0].outcomes), len(recorded.runs[0].notes)) == (300, 4 * 300)
    assert recorded.skipped == 0


FULL = """
import resource, signal, sys
from tco.replay.record.journal import Journal
from tco.replay.outcome import Outcome
outcome = Outcome(0, 1000, 1010, 51_000, 111_000, 112_000, (20_000, 40_000), 128, 3, 64, "ok")
journal = Journal.create(sys.argv[1], {})
journal.begin(1, {})
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
written, failed = 0, 0
for i in range(100):
    try:
        journal.add(outcome._replace(index=i))
        written += 1
    except OSError as error:
        failed += 1
        assert error.filename == sys.argv[1], error
        if failed == 3:  # somebody made room
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(written, failed)
"""


@pytest.mark.parametrize("limit", [500, 1000, 1001, 1003, 2000])
def test_a_full_disk_cuts_one_line_at_most(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "j"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(limit)], capture_output=True, text=True, check=True
    )
    written_, failed = map(int, done.stdout.split())
    assert failed == 3
    recorded = read_journal(path)
    assert len(recorded.runs[0].outcomes) == written_ == 100 - 3
    assert recorded.skipped <= 1


def test_a_device_that_is_full(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        Journal.create("/dev/full", {})
    assert caught.value.errno == errno.ENOSPC


def test_a_kill_between_lines_leaves_whole_lines(tmp_path: Path) -> None:
    """SIGKILL while it writes as fast as it can."""
    path = tmp_path / "j"
    code = textwrap.dedent("""
        import sys
        from tco.replay.record.journal import Journal
        from tco.replay.outcome import Outcome
        journal = Journal.create(sys.argv[1], {})
        journal.begin(1, {})
        print("on", flush=True)
        i = 0
        while i < 1_000_000:
            journal.add(Outcome(i, 1, 1, 1, 1, 1, (20_000,) * 200, 128, 201, 0, "ok"))
            i += 1
    """)
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "on\n"
        until = time.monotonic() + 15
        while path.stat().st_size < 100_000:
            assert process.poll() is None and time.monotonic() < until, "it does not write"
        process.kill()
        process.wait()
    recorded = read_journal(path)
    assert [o.index for o in recorded.runs[0].outcomes] == list(range(len(recorded.runs[0].outcomes)))
    assert len(recorded.runs[0].outcomes) > 50 and recorded.skipped == 0


def test_adding_before_a_run_is_an_error(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "j", {}) as journal, pytest.raises(ValueError, match="no run was begun"):
        journal.add(GOOD)


def test_an_unknown_field_of_a_later_version_is_read(tmp_path: Path) -> None:
    """Lines may gain keys: an older reader takes what it knows."""
    path = written(tmp_path / "j", ended=False)
    line: dict[str, Any] = {"kind": "request", "run": 1, "index": 5, "due": 7, "weather": "fine"}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert read_journal(path).runs[0].outcomes == [
        Outcome(5, 7, None, None, None, None, (), None, None, None, "ok"),
    ]
