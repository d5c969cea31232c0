"""What is killed, cut or full in the midst of a replay: nothing that ended is lost, and nothing of it is sent twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from fault_server import Server, fault_server
from replaying import BLOCK_TOKENS, evenly, gone_on, order, replayed, started, trace_file, wait_for_lines

from tco.replay.http.prompts import Bodies
from tco.replay.load.pace import Pace
from tco.replay.load.source import Source
from tco.replay.load.watch import Watch
from tco.replay.record.journal import GONE, Journal, read_journal

KILLS = 5
"""In each of four tests."""
ROWS = 80
PER_S = 160.0


def digests(trace: Path) -> dict[str, int]:
    """Which row a body belongs to, as the server's record names it."""
    bodies = Bodies("tiny", "test", BLOCK_TOKENS)
    made = {i: bodies.of(i, r) for i, r in Source(str(trace)).requests()}
    return {blake2b(body.payload, digest_size=8).hexdigest(): i for i, body in made.items()}


def killed_once(folder: Path, server: Server, moment: random.Random, closed: bool) -> int:
    """Kill the client at a moment, resume, and hold the journal against the server's record. Returns what had ended."""
    trace, journal = folder / "trace.jsonl", folder / "j"
    if not trace.exists():
        evenly(trace, ROWS, PER_S)
    journal.unlink(missing_ok=True)
    server.clear()
    pace = {"concurrency": 4} if closed else {"speedup": 1}
    told: dict[str, Any] = {"trace": trace, "url": server.url, "journal": journal, "pace": pace}
    process = started(told)
    assert process.stdout is not None and process.stderr is not None
    with process.stdout, process.stderr:
        assert process.stdout.readline() == "on\n", process.stderr.read()
        lines = moment.randrange(ROWS)  # by what is written, not by the clock: a busy machine starts late
        wait_for_lines(process, journal, lines)
        time.sleep(moment.uniform(0, 0.02))
        process.kill()
        process.wait()
    before = read_journal(journal)  # readable, whatever the moment
    (run,) = before.runs
    indices = [o.index for o in run.outcomes]
    assert len(indices) == len(set(indices)) and set(indices) <= set(range(ROWS))
    assert all(o.status == "ok" for o in run.outcomes)
    rows = digests(trace)
    seen_before = Counter(rows[s.digest] for s in server.record())
    assert run.done <= set(seen_before)  # what is said to have ended was sent

    after = gone_on(journal, order(trace, server.url, Pace.of(**pace)))
    assert sorted(o.index for o in after.outcomes) == list(range(ROWS))  # nothing is lost, nothing counted twice
    assert [o for o in after.outcomes if o.index in run.done] == run.outcomes  # and what had ended is as it was
    assert after.ended is not None and after.ended["reason"] == "done"
    seen = Counter(rows[s.digest] for s in server.record())
    assert set(seen) == set(range(ROWS))
    for row in range(ROWS):
        assert seen[row] - seen_before[row] == (0 if row in run.done else 1), f"row {row}"
    return len(run.done)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_client_is_killed_at_seeded_random_moments(tmp_path: Path, seed: int) -> None:
    """20 in all, half of them in closed loops; `ci/kill_replay.py` does 200."""
    moment = random.Random(seed)
    with fault_server(first_ms=20, chunk_ms=10) as server:
        ended = [killed_once(tmp_path, server, moment, closed=seed % 2 == 0) for _ in range(KILLS)]
    assert len(set(ended)) > 2, "the moments were all alike"


def test_client_is_killed_twice(tmp_path: Path) -> None:
    """A run that went on is cut as well."""
    trace = evenly(tmp_path / "t", 300, 120)
    journal = tmp_path / "j"
    done: list[frozenset[int]] = []
    with fault_server(first_ms=20, chunk_ms=10) as server:
        for resume in (False, True):
            process = started({"trace": trace, "url": server.url, "journal": journal, "resume": resume})
            assert process.stdout is not None and process.stderr is not None
            with process.stdout, process.stderr:
                assert process.stdout.readline() == "on\n"
                wait_for_lines(process, journal, 15 * (1 + resume))
                process.kill()
                process.wait()
            done.append(read_journal(journal).runs[0].done)
        after = gone_on(journal, order(trace, server.url))
        seen = Counter(digests(trace)[s.digest] for s in server.record())
    assert 15 <= len(done[0]) < len(done[1]) < 300 and done[0] < done[1]
    assert after.done == set(range(300))
    assert all(seen[row] == 1 for row in done[0])  # nothing that ended was sent again
    assert len(after.notes) == 2 and {n["kind"] for n in after.notes} == {"resumed"}


def test_server_is_killed_in_mid_run(tmp_path: Path) -> None:
    """What was under way breaks, what comes later is refused; all is in the journal, and the run ends by itself."""
    trace = evenly(tmp_path / "t", 100, 100)
    journal = tmp_path / "j"
    with fault_server(first_ms=100, chunk_ms=50) as server:
        process = started({"trace": trace, "url": server.url, "journal": journal})
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            wait_for_lines(process, journal, 10)
            server.kill()
            assert process.wait(timeout=15) == 0, process.stderr.read()
    (run,) = read_journal(journal).runs
    count = Counter(o.status for o in run.outcomes)
    assert run.done == set(range(100))
    assert set(count) == {"ok", "reset", "refused"}
    assert count["ok"] >= 10 and count["reset"] > 0 and count["refused"] > 0
    assert sum(count.values()) == 100
    assert run.ended is not None and run.ended["requests"] == 100


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_what_is_under_way(tmp_path: Path, sign: signal.Signals) -> None:
    trace = evenly(tmp_path / "t", 500, 100, output_tokens=6)
    journal = tmp_path / "j"
    with fault_server(first_ms=200, chunk_ms=50) as server:
        process = started({"trace": trace, "url": server.url, "journal": journal})
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            wait_for_lines(process, journal, 10)
            process.send_signal(sign)
            out, error = process.communicate(timeout=10)
        assert process.returncode == 0, error
        came = len(server.record())
    assert json.loads(out)["reason"] == "interrupted"
    (run,) = read_journal(journal).runs
    assert {o.status for o in run.outcomes} == {"ok"}
    assert len(run.outcomes) == came < 500  # all that was sent has ended, and is there
    assert run.ended is not None and run.ended["reason"] == "interrupted"


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_terminal_interrupts_all_processes_at_once(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole group: further client processes wait for what the first one says."""
    trace = evenly(tmp_path / "t", 500, 100, output_tokens=6)
    journal = tmp_path / "j"
    with fault_server(first_ms=200, chunk_ms=50) as server:
        told = {"trace": trace, "url": server.url, "journal": journal, "order": {"processes": 2, "begin_with": 2}}
        process = started(told, start_new_session=True)
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            wait_for_lines(process, journal, 20)
            os.killpg(process.pid, signal.SIGINT)
            out, error = process.communicate(timeout=10)
        assert process.returncode == 0, error
        came = len(server.record())
    assert json.loads(out)["reason"] == "interrupted" and json.loads(out)["processes"] == 2
    (run,) = read_journal(journal).runs
    assert {o.status for o in run.outcomes} == {"ok"} and len(run.outcomes) == came < 500


def test_no_process_stays_behind_when_the_first_is_killed(tmp_path: Path) -> None:
    trace = evenly(tmp_path / "t", 500, 100)
    journal = tmp_path / "j"
    with fault_server(first_ms=50) as server:
        told = {"trace": trace, "url": server.url, "journal": journal, "order": {"processes": 3, "begin_with": 3}}
        process = started(told)
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            wait_for_lines(process, journal, 20)
            others = children(process.pid)
            process.kill()
            process.wait()
        assert len(others) == 2
        deadline = time.monotonic() + 10
        while any(alive(pid) for pid in others) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(alive(pid) for pid in others)
        (before,) = read_journal(journal).runs
        after = gone_on(journal, order(trace, server.url, Pace.of(4)))
        seen = Counter(digests(trace)[s.digest] for s in server.record())
    assert sorted(o.index for o in after.outcomes) == list(range(500))
    assert len(before.done) >= 20 and all(seen[row] == 1 for row in before.done)  # what ended was not sent again


def alive(pid: int) -> bool:
    """Neither gone nor a zombie that nobody has buried."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_an_interrupt_lets_go_after_its_bound(tmp_path: Path) -> None:
    trace = evenly(tmp_path / "t", 200, 100)
    journal = tmp_path / "j"
    with fault_server(first_ms=30_000) as server:
        process = started({"trace": trace, "url": server.url, "journal": journal, "order": {"drain_s": 0.5}})
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            asked = time.monotonic()
            process.communicate(timeout=10)
            took = time.monotonic() - asked
        came = len(server.record())
    (run,) = read_journal(journal).runs
    assert 0.5 <= took < 5
    assert {o.status for o in run.outcomes} == {"cancelled"}
    assert len(run.outcomes) == came > 10
    assert run.done == frozenset()  # a run that goes on sends them again


def test_a_second_interrupt_lets_go_at_once(tmp_path: Path) -> None:
    trace = evenly(tmp_path / "t", 200, 100)
    journal = tmp_path / "j"
    with fault_server(first_ms=30_000) as server:
        process = started({"trace": trace, "url": server.url, "journal": journal, "order": {"drain_s": 60}})
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            time.sleep(0.8)
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=10)
    assert json.loads(out)["reason"] == "interrupted"
    assert {o.status for o in read_journal(journal).runs[0].outcomes} == {"cancelled"}


@pytest.mark.parametrize("limit", [400, 3000, 3001, 3007])
def test_a_full_disk_ends_the_run_with_its_reason(tmp_path: Path, limit: int) -> None:
    trace = evenly(tmp_path / "t", 100, 100)
    journal = tmp_path / "j"
    with fault_server(first_ms=20, chunk_ms=10) as server:
        process = started({"trace": trace, "url": server.url, "journal": journal, "file_limit": limit})
        out, error = process.communicate(timeout=15)
        assert (process.returncode, error) == (4, "File too large\n"), out
        run = read_journal(journal).runs[0]
        assert run.ended is None
        after = gone_on(journal, order(trace, server.url))  # there is room again
        seen = Counter(digests(trace)[s.digest] for s in server.record())
    assert sorted(o.index for o in after.outcomes) == list(range(100))
    assert all(seen[row] == 1 for row in run.done)


def test_a_client_process_that_dies_is_told_apart_from_the_server(tmp_path: Path) -> None:
    """Its requests count as stopped, the others come home, the run says that it failed; going on sends the rest."""
    trace = evenly(tmp_path / "t", 600, 100)
    journal = tmp_path / "j"
    killed: list[int] = []

    async def kill_it(_client: Any) -> None:
        import asyncio

        await asyncio.sleep(1.5)
        killed.extend(pid for pid in children(os.getpid()) if pid != server.pid)
        os.kill(killed[0], signal.SIGKILL)

    with fault_server(first_ms=50, chunk_ms=20) as server:
        with pytest.raises(ChildProcessError, match="a client process was killed by SIGKILL"):
            replayed(journal, order(trace, server.url, processes=2, begin_with=2), beside=[kill_it])
        (run,) = read_journal(journal).runs
        assert len(killed) == 1
        assert run.ended is not None and run.ended["reason"] == "failed"
        lost = [o for o in run.outcomes if o.detail == "client_died"]
        assert lost and {o.status for o in lost} == {"cancelled"}
        after = gone_on(journal, order(trace, server.url))
    assert sorted(o.index for o in after.outcomes) == list(range(600))
    assert {o.status for o in after.outcomes} == {"ok"}


def test_a_resumed_run_keeps_its_clock(tmp_path: Path) -> None:
    """The rest is due as if there had been no gap: the first row that is missing at once, the others by their times."""
    trace = evenly(tmp_path / "t", 80, 20)
    journal = tmp_path / "j"
    with fault_server() as server:
        first = replayed(journal, order(trace, server.url, Pace.of(1, duration=3)))
        assert first.done == set(range(60)) and first.ended is not None and first.ended["reason"] == "duration"
        began = time.monotonic_ns()
        after = gone_on(journal, order(trace, server.url))
        came = sorted(s.arrived_ns for s in server.record() if s.arrived_ns > began)
    assert [o.scheduled for o in after.outcomes] == [round(i / 20 * 1e6) for i in range(80)]
    late = sorted(o.sent - o.scheduled for o in after.outcomes if o.sent is not None and o.index >= 60)
    assert len(late) == 20 and abs(late[10]) < 50_000, late
    assert (came[0] - began) / 1e9 < 2  # not after the 3 seconds that are over
    assert (came[-1] - came[0]) / 1e9 == pytest.approx(19 / 20, abs=0.1)


def test_a_resumed_session_waits_for_what_ended_before(tmp_path: Path) -> None:
    """The end before it is in the journal: the think time counts from there, and the clock does not go back for it.

    One that is missing waits long since; the rest of the trace is due meanwhile, and no time is idled away before.
    """
    rows: list[dict[str, Any]] = [
        {"at_s": 0, "session": "a", "id": "1"},
        {"at_s": 0.1, "session": "a", "id": "2", "after": "1", "think_s": 2.5},
        {"at_s": 0.2, "session": "a", "id": "3", "after": "2", "think_s": 0.1},
    ]
    trace = trace_file(tmp_path / "t", rows + [{"at_s": 0.3 + i * 0.02} for i in range(100)])
    journal = tmp_path / "j"
    with fault_server() as server:
        process = started({"trace": trace, "url": server.url, "journal": journal})
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            wait_for_lines(process, journal, 60)
            process.kill()
            process.wait()
        (before,) = read_journal(journal).runs
        assert 0 in before.done and not {1, 2, 102} & before.done
        watch = Watch()
        after = gone_on(journal, order(trace, server.url), watch)
    found = {o.index: o for o in after.outcomes}
    first, second = found[0].end, found[1].end
    assert first is not None and second is not None and len(found) == 103
    assert found[1].scheduled == first + 2_500_000
    assert found[2].scheduled == second + 100_000
    missing = min(o.scheduled for o in after.outcomes if o.index not in before.done)
    assert watch.zero is not None and watch.began is not None
    assert watch.began - watch.zero == pytest.approx(missing / 1e6) and missing >= 59 * 20_000


def test_a_server_that_is_gone_is_not_the_end_of_its_requests(tmp_path: Path) -> None:
    """Where the journal says so, what found no connection is sent again; what came with a failure of its own is not."""
    trace = evenly(tmp_path / "t", 60, 60)
    journal = tmp_path / "j"
    with fault_server(first_ms=20, fault="http_500@3") as server:
        process = started({"trace": trace, "url": server.url, "journal": journal})
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == "on\n"
            wait_for_lines(process, journal, 20)
            server.kill()
            assert process.wait(timeout=15) == 0, process.stderr.read()
    with Journal.resume(journal) as writing:
        writing.begin(1, {})
        writing.note(GONE, {})
        writing.end(1, {"reason": GONE})
    (before,) = read_journal(journal).runs
    failed = {o.index for o in before.outcomes if o.status in ("refused", "reset")}
    assert failed and before.lost == failed and before.done == set(range(60)) - failed
    with fault_server(first_ms=20) as server:
        after = gone_on(journal, order(trace, server.url))
        seen = Counter(digests(trace)[s.digest] for s in server.record())
    assert seen == Counter(failed)  # each once, and nothing else
    assert after.lost == frozenset() and after.done == set(range(60))
    assert Counter(o.status for o in after.outcomes) == {"ok": 59, "http": 1}
    assert after.ended is not None and after.ended["reason"] == "done"


def test_nothing_to_do_is_done(tmp_path: Path) -> None:
    trace = trace_file(tmp_path / "t", [{"at_s": 0}, {"at_s": 0.1}])
    with fault_server() as server:
        replayed(tmp_path / "j", order(trace, server.url))
        after = gone_on(tmp_path / "j", order(trace, server.url))
        assert len(server.record()) == 2
    assert after.done == {0, 1}
    assert after.ended is not None and after.ended["reason"] == "done"
