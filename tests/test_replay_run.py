"""A run: requests sent when they are due, or so many at once; sessions in order; more processes where one is late."""

from __future__ import annotations

import asyncio
import itertools
import json
import pickle
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fault_server import Served, fault_server
from hypothesis import example, given
from hypothesis import strategies as st
from replaying import evenly, order, replayed, started, trace_file

from tco.document import Faults
from tco.replay.http.guard import check
from tco.replay.http.prompts import Bodies, Body
from tco.replay.load.chains import Chains, Item
from tco.replay.load.event_loop import precise_loop
from tco.replay.load.feed import SLICE_S, Feed
from tco.replay.load.open_loop import READY, READY_BYTES, OpenLoop
from tco.replay.load.order import Order
from tco.replay.load.pace import Pace
from tco.replay.load.punctual import Pulse, Punctual
from tco.replay.load.run import Run, replay
from tco.replay.load.sending import MOST_WAITING, Hooks
from tco.replay.load.slots import Slots
from tco.replay.load.source import Source
from tco.replay.load.watch import Watch
from tco.replay.outcome import Outcome
from tco.replay.record.journal import Journal, RecordedRun, read_journal
from tco.traffic.request import Request

MS = 1000
"""Microseconds."""


def quantile(values: Sequence[float], q: float) -> float:
    return sorted(values)[min(int(len(values) * q), len(values) - 1)]


def most_at_once(served: list[Served]) -> int:
    ends = [s.ended_ns for s in served if s.ended_ns is not None]
    events = sorted([(s.arrived_ns, 1) for s in served] + [(end, -1) for end in ends])
    most = now = 0
    for _, step in events:
        now += step
        most = max(most, now)
    return most


def by_id(outcomes: list[Outcome]) -> dict[int, Outcome]:
    return {o.index: o for o in outcomes}


# the open loop


def test_requests_come_when_they_are_due(tmp_path: Path) -> None:
    """By the server's own record, from first to last: the gaps are those of the trace, divided by the speed-up."""
    at = [0, 0.5, 0.51, 0.51, 1.3, 1.31, 2.4, 3.0]
    trace = trace_file(tmp_path / "t", ({"at_s": a, "input_tokens": 16 + i} for i, a in enumerate(at)))
    with fault_server() as server:
        run = replayed(tmp_path / "j", order(trace, server.url, Pace.of(2)))
        came = {s.prompt_tokens - 16: s.arrived_ns / 1e9 for s in server.record()}
    assert [by_id(run.outcomes)[i].scheduled for i in range(8)] == [round(a / 2 * 1e6) for a in at]
    off = [came[i] - a / 2 for i, a in enumerate(at)]
    middle = quantile(off, 0.5)  # not the first: it opens the first connection
    assert quantile([abs(o - middle) for o in off], 0.5) < 0.010, off


def test_lateness_does_not_add_up(tmp_path: Path) -> None:
    """Each due time counts from zero: the last is no later than the first ones."""
    trace = evenly(tmp_path / "t", 400, 200)
    with fault_server() as server:
        run = replayed(tmp_path / "j", order(trace, server.url))
    late = [o.sent - o.scheduled for o in sorted(run.outcomes) if o.sent is not None]
    assert len(late) == 400 and min(late) > -MS
    assert quantile(late[-100:], 0.5) < quantile(late[:100], 0.5) + 5 * MS, late


def test_a_slow_server_does_not_slow_the_sender(tmp_path: Path) -> None:
    """An open loop: 50 requests are under way before the first is answered."""
    trace = evenly(tmp_path / "t", 50, 100)
    with fault_server(first_ms=1500) as server:
        run = replayed(tmp_path / "j", order(trace, server.url))
        assert most_at_once(server.record()) == 50
    assert max(o.sent or 0 for o in run.outcomes) < 1_000 * MS


def test_a_stall_of_the_server_is_in_the_99th_percentile(tmp_path: Path) -> None:
    """Coordinated omission: what was due while everything stood still waited, and its waiting counts."""
    trace = evenly(tmp_path / "t", 400, 100)
    with fault_server(first_ms=10, stall_at_s=1, stall_s=2) as server:
        run = replayed(tmp_path / "j", order(trace, server.url))
    ttft = [o.first - o.scheduled for o in run.outcomes if o.first is not None]
    assert len(ttft) == 400
    assert quantile(ttft, 0.99) > 1_900 * MS
    share = sum(t > 100 * MS for t in ttft) / 400
    assert share == pytest.approx(1.9 * 100 / 400, abs=0.1)  # all of the 2 seconds but its last tenth
    assert quantile(ttft, 0.25) < 100 * MS


def test_a_duration_ends_the_sending(tmp_path: Path) -> None:
    trace = evenly(tmp_path / "t", 200, 100)
    watch = Watch()
    with fault_server(first_ms=300) as server:
        with Journal.create(tmp_path / "j", {}) as journal:
            ended = replay(order(trace, server.url, Pace.of(2, duration=0.5)), journal, watch)
        assert len(server.record()) == 100
    assert ended.reason == "duration"
    assert sorted(o.index for o in ended.outcomes) == list(range(100))  # 0.5 s at 200 a second
    assert {o.status for o in ended.outcomes} == {"ok"}  # what was under way is waited for


def test_a_trace_without_times_needs_a_closed_loop(tmp_path: Path) -> None:
    trace = trace_file(tmp_path / "t", [{}, {}])
    with fault_server() as server:
        with Journal.create(tmp_path / "j", {}) as journal, pytest.raises(Faults, match="has no times") as caught:
            replay(order(trace, server.url), journal, Watch())
        assert "--concurrency" in caught.value.faults[0].expected
        assert server.record() == []
        run = replayed(tmp_path / "k", order(trace, server.url, Pace.of(concurrency=1)))
    assert [o.index for o in run.outcomes] == [0, 1]


# the closed loop


@pytest.mark.parametrize("concurrency", [1, 7])
def test_a_closed_loop_keeps_its_concurrency(tmp_path: Path, concurrency: int) -> None:
    """Never more, and as many as there are: as good as all of the time."""
    trace = evenly(tmp_path / "t", 10 * concurrency, 1)
    with fault_server(first_ms=200, chunk_ms=20) as server:
        run = replayed(tmp_path / "j", order(trace, server.url, Pace.of(concurrency=concurrency)))
        served = server.record()
    assert most_at_once(served) == concurrency
    busy = sum((s.ended_ns or 0) - s.arrived_ns for s in served)
    whole = max(s.ended_ns or 0 for s in served) - min(s.arrived_ns for s in served)
    assert busy / whole / concurrency > 0.8
    first = [o for o in run.outcomes if o.index < concurrency]
    assert quantile([o.scheduled for o in first], 0.5) < 50 * MS
    waited = [o.sent - o.scheduled for o in run.outcomes if o.sent is not None]
    assert len(waited) == 10 * concurrency and min(waited) >= 0
    assert quantile(waited, 0.5) < 50 * MS


def test_a_closed_loop_stops_after_its_duration(tmp_path: Path) -> None:
    trace = evenly(tmp_path / "t", 1000, 1)
    with fault_server(first_ms=50) as server:
        with Journal.create(tmp_path / "j", {}) as journal:
            ended = replay(order(trace, server.url, Pace.of(concurrency=4, duration=1)), journal, Watch())
        assert len(server.record()) == len(ended.outcomes) < 100
    assert ended.reason == "duration"
    assert {o.status for o in ended.outcomes} == {"ok"}
    assert max(o.scheduled for o in ended.outcomes) < 1_050 * MS


@pytest.mark.parametrize(("concurrency", "processes"), [(1, 2), (3, 4)])
def test_no_more_processes_than_requests_at_once(tmp_path: Path, concurrency: int, processes: int) -> None:
    """A process without a slot would hold on to what it was given."""
    trace = evenly(tmp_path / "t", 40, 10)
    made = order(trace, "http://127.0.0.1:9", Pace.of(concurrency=concurrency), processes=processes)
    with fault_server(first_ms=10) as server:
        made = made._replace(target=check(server.url), begin_with=processes)
        run = ended_within(20, tmp_path / "j", made)
        assert most_at_once(server.record()) <= concurrency
    assert run.ended is not None and run.ended["processes"] == concurrency
    assert run.ended["sent"] and min(run.ended["sent"]) > 0  # each had its part
    assert sorted(o.index for o in run.outcomes) == list(range(40))


# sessions


def test_those_who_think_keep_nobody_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More sessions think than bodies may be made ahead: what else the trace has is sent in time."""
    monkeypatch.setattr("tco.replay.load.open_loop.READY", 20)
    rows: list[dict[str, Any]] = [{"at_s": i * 0.005, "session": f"s{i}", "id": "1"} for i in range(60)]
    rows += [{"at_s": 0.3 + i * 0.005, "session": f"s{i}", "id": "2", "after": "1", "think_s": 3.0} for i in range(60)]
    rows += [{"at_s": 1.7 + i * 0.01} for i in range(50)]
    trace = trace_file(tmp_path / "t", rows)
    with fault_server(first_ms=5) as server:
        run = replayed(tmp_path / "j", order(trace, server.url))
    outcomes = by_id(run.outcomes)
    late = [(o.sent or 0) - o.scheduled for i, o in outcomes.items() if i >= 120]
    assert len(outcomes) == 170 and quantile(late, 0.5) < 20 * MS, late
    for i in range(60):
        end = outcomes[i].end
        assert end is not None and outcomes[60 + i].scheduled == end + 3_000 * MS


class Sized:
    """Bodies of a size."""

    def __init__(self, size: int) -> None:
        self.payload, self.made = b"x" * size, 0

    def of(self, index: int, request: Request) -> Body:
        self.made += 1
        return Body("/v1/completions", self.payload, 1)


def room_after(items: list[Item], size: int = 1) -> tuple[int, int, int]:
    """Room of an open loop that was given these, how many bodies it made, and how many it holds."""

    async def given() -> tuple[int, int, int]:
        nothing = Hooks(lambda _outcome: None, lambda: None, lambda: None, lambda _error: None)
        bodies: Any = Sized(size)
        nobody: Any = None
        zero_ns = time.monotonic_ns() - 10 * 1_000_000_000  # 10 s ago
        loop = OpenLoop(nobody, bodies, Pace.of(1), zero_ns, nothing)
        for one in items:
            loop.take(one)
        found = loop.room(), bodies.made, loop.held()
        await loop.close()
        return found

    return asyncio.run(given())


def test_room_of_an_open_loop() -> None:
    """Bodies are bounded in number and size, and those who wait for their session; what is due late is neither."""
    soon, late = 10_900 * MS, 30_000 * MS
    assert room_after([]) == (READY, 0, 0)
    assert room_after([item(i, soon) for i in range(READY)]) == (0, READY, READY)
    assert room_after([item(i, soon) for i in range(2)], READY_BYTES // 2 + 1) == (0, 2, 2)
    assert room_after([item(i, soon) for i in range(2)], READY_BYTES // 2) == (READY - 2, 2, 2)
    assert room_after([item(i, late) for i in range(2 * READY)], READY_BYTES) == (READY, 0, 2 * READY)
    first = item(0, late, session="s", id="a")
    waiting = [item(i, soon, session="s", after="a") for i in range(1, MOST_WAITING + 1)]
    assert room_after([first, *waiting[:-1]]) == (READY, 0, 1)
    assert room_after([first, *waiting]) == (0, 0, 1)


def test_a_session_keeps_its_order_and_think_time(tmp_path: Path) -> None:
    """Each is due at the later of its own time and the end before it with the think time, both by the speed-up."""
    trace = trace_file(
        tmp_path / "t",
        [
            {"at_s": 0, "session": "a", "id": "1"},
            {"at_s": 0.1, "session": "a", "id": "2", "after": "1", "think_s": 0.4},  # waits for 1
            {"at_s": 0.2, "session": "b", "id": "1"},
            {"at_s": 0.3, "session": "a", "id": "3", "after": "2"},  # waits for 2, at once
            {"at_s": 4.0, "session": "b", "id": "2", "after": "1", "think_s": 0.1},  # its own time is later
            {"at_s": 4.1, "session": "c", "id": "9", "after": "none", "think_s": 50},  # waits for nobody
        ],
    )
    with fault_server(first_ms=300) as server:
        run = replayed(tmp_path / "j", order(trace, server.url, Pace.of(2)))
        assert most_at_once(server.record()) == 2  # one of each session
    one, two, _b1, three, b2, c9 = (by_id(run.outcomes)[i] for i in range(6))
    assert one.end is not None and two.end is not None
    assert two.scheduled == one.end + round(0.4 / 2 * 1e6)
    assert three.scheduled == two.end
    assert b2.scheduled == round(4.0 / 2 * 1e6)
    assert c9.scheduled == round(4.1 / 2 * 1e6)
    assert all(o.sent is not None and o.sent >= o.scheduled - MS for o in run.outcomes)


def test_what_failed_holds_nobody_back(tmp_path: Path) -> None:
    trace = trace_file(
        tmp_path / "t",
        [
            {"at_s": 0, "session": "a", "id": "1"},
            {"at_s": 0.2, "session": "a", "id": "2", "after": "1", "think_s": 30},
        ],
    )
    with fault_server(fault="http_500@0") as server:
        run = replayed(tmp_path / "j", order(trace, server.url))
    first, second = (by_id(run.outcomes)[i] for i in range(2))
    assert (first.status, first.http, second.status) == ("http", 500, "ok")
    assert second.scheduled == 200 * MS


def test_sessions_keep_their_order_in_a_closed_loop(tmp_path: Path) -> None:
    """Two conversations of five turns, four slots: never two of one conversation at once, others pass them by."""
    rows = [
        {"at_s": i, "session": s, "id": str(i), "input_tokens": 16 + 10 * i + (s == "b")}
        | ({"after": str(i - 1), "think_s": 100} if i else {})
        for i in range(5)
        for s in "ab"
    ]
    rows += [{"at_s": 10, "input_tokens": 200}]
    trace = trace_file(tmp_path / "t", rows)
    with fault_server(first_ms=100) as server:
        run = replayed(tmp_path / "j", order(trace, server.url, Pace.of(concurrency=4)))
        served = server.record()
    assert {o.status for o in run.outcomes} == {"ok"} and len(run.outcomes) == 11
    for last in (0, 1):
        turns = [s for s in served if s.prompt_tokens % 10 == (6 + last) and s.prompt_tokens < 100]
        assert [s.prompt_tokens for s in turns] == [16 + 10 * i + last for i in range(5)]
        assert all((a.ended_ns or 0) < b.arrived_ns for a, b in itertools.pairwise(turns))
    assert served[2].prompt_tokens == 200  # it waits for nobody


def test_what_waits_when_the_duration_ends_is_not_sent(tmp_path: Path) -> None:
    trace = trace_file(
        tmp_path / "t",
        [
            {"at_s": 0, "session": "a", "id": "1"},
            {"at_s": 0.1, "session": "a", "id": "2", "after": "1", "think_s": 30},
        ],
    )
    with fault_server() as server, Journal.create(tmp_path / "j", {}) as journal:
        ended = replay(order(trace, server.url, Pace.of(1, duration=1)), journal, Watch())
    assert (ended.reason, [o.index for o in ended.outcomes]) == ("duration", [0])


def test_a_duration_ends_think_times_too(tmp_path: Path) -> None:
    """What the second waits for has ended when it is read: it would be due after the end."""
    trace = trace_file(
        tmp_path / "t",
        [
            {"at_s": 0, "session": "a", "id": "1"},
            {"at_s": 1.4, "session": "a", "id": "2", "after": "1", "think_s": 3},
        ],
    )
    with fault_server() as server:
        run = replayed(tmp_path / "j", order(trace, server.url, Pace.of(1, duration=1.5)))
    assert [o.index for o in run.outcomes] == [0]
    assert run.ended is not None and run.ended["reason"] == "duration"


def item(row: int, own: int | None, **known: Any) -> Item:
    return Item(row, own, Request(0.0, 1, 1, **known))


def test_chains() -> None:
    chains = Chains(2.0)
    first = item(0, 10, session="s", id="a")
    assert chains.take(first) == 10
    second = item(1, 20, session="s", id="b", after="a", think=4)
    other = item(2, 30, session="t", id="b", after="a", think=4)
    assert chains.take(second) is None and chains.waiting == 1
    assert chains.take(other) == 30  # an id counts within its session
    assert chains.end(first.request, 1000, True) == [(1000 + 2_000_000, second)] and chains.waiting == 0
    late = item(3, 40, session="s", after="a", think=1)
    assert chains.take(late) == 1000 + 500_000  # what it waits for has ended already
    assert chains.end(second.request, 5000, False) == []
    assert chains.take(item(4, 50, session="s", after="b", think=9)) == 5000  # after a failure there is no thinking
    assert chains.knows(late.request) and not chains.knows(other.request)


def test_ends_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tco.replay.load.chains.REMEMBERED", 3)
    chains = Chains(1.0)
    for i in range(5):
        one = item(i, i, session="s", id=str(i))
        chains.take(one)
        chains.end(one.request, 100 + i, True)
    assert chains.forgotten == 2
    assert chains.take(item(9, 7, session="s", after="1", think=1)) == 7
    assert chains.take(item(9, 7, session="s", after="2", think=1)) == 102 + 1_000_000


# further client processes


async def busy_while_alone(watch: Watch) -> None:
    """What makes the first process late: the event loop stands still for 30 ms, again and again."""
    until = time.monotonic() + 10
    while watch.processes == 1 and time.monotonic() < until:
        time.sleep(0.03)
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_a_late_client_gets_further_processes(tmp_path: Path, closed: bool) -> None:
    """It notices, says so in the journal, and all is sent exactly once, never more at once than there are slots."""
    trace = evenly(tmp_path / "t", 600, 80)
    watch = Watch()
    pace = Pace.of(concurrency=10) if closed else Pace.of(1)
    with fault_server(first_ms=60, chunk_ms=20) as server:
        with Journal.create(tmp_path / "j", {}) as journal:
            ended = replay(
                order(trace, server.url, pace, processes=2), journal, watch, [lambda _client: busy_while_alone(watch)]
            )
        served = server.record()
    assert (ended.reason, ended.processes) == ("done", 2)
    assert sorted(o.index for o in ended.outcomes) == list(range(600))
    assert {o.status for o in ended.outcomes} == {"ok"} and len(served) == 600
    notes = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines() if '"kind":"note"' in line]
    assert notes[0]["note"] == "processes" and notes[0]["about"]["processes"] == 2
    if closed:
        assert most_at_once(served) <= 10
    assert watch.succeeded == 600 and watch.sent == 600 and watch.in_flight == 0
    shares = json.loads((tmp_path / "j").read_text().splitlines()[-1])["about"]["sent"]
    assert sum(shares) == 600 and shares[1] > 0  # the second took over some


def test_a_run_may_begin_with_several_processes(tmp_path: Path) -> None:
    """They are up before the first request is due."""
    trace = evenly(tmp_path / "t", 100, 100)
    with fault_server(first_ms=20) as server:
        run = replayed(tmp_path / "j", order(trace, server.url, processes=2, begin_with=5))  # no more than allowed
        assert len(server.record()) == 100
    assert run.ended is not None and run.ended["processes"] == 2
    assert len(run.ended["sent"]) == 2 and min(run.ended["sent"]) > 30 and sum(run.ended["sent"]) == 100
    assert run.done == set(range(100)) and {o.status for o in run.outcomes} == {"ok"}


def test_a_client_that_stays_late_says_so(tmp_path: Path) -> None:
    """One process is the most that is allowed: the run goes on, slow, and is marked."""
    trace = evenly(tmp_path / "t", 400, 100)
    watch = Watch()
    with fault_server() as server, Journal.create(tmp_path / "j", {}) as journal:
        ended = replay(order(trace, server.url), journal, watch, [lambda _client: busy_while_alone(watch)])
    assert ended.late and ended.processes == 1 and watch.late
    assert len(ended.outcomes) == 400
    late = [o.sent - o.scheduled for o in ended.outcomes if o.sent is not None]
    assert quantile(late, 0.99) > 10 * MS  # which the verdict sees
    lines = (tmp_path / "j").read_text()
    assert lines.count('"note":"late"') == 1
    assert '"late":true' in lines.splitlines()[-1]


def test_sessions_stay_whole_over_processes(tmp_path: Path) -> None:
    """A conversation that began in one process goes on there, whoever is hired meanwhile."""
    rows: list[dict[str, Any]] = []
    for turn in range(9):
        for session in range(25):
            before = {"after": f"{turn - 1}", "think_s": 0.05} if turn else {}
            rows.append({"at_s": turn * 0.5 + session * 0.02, "session": f"s{session}", "id": f"{turn}", **before})
    trace = trace_file(tmp_path / "t", rows)
    watch = Watch()
    with fault_server(first_ms=600) as server, Journal.create(tmp_path / "j", {}) as journal:
        ended = replay(order(trace, server.url, processes=2), journal, watch, [lambda _client: busy_while_alone(watch)])
    assert ended.processes == 2
    outcomes = by_id(ended.outcomes)
    assert len(outcomes) == 9 * 25
    for row in range(25, 9 * 25):
        before_end = outcomes[row - 25].end
        assert before_end is not None
        own = round(rows[row]["at_s"] * 1e6)
        assert outcomes[row].scheduled == before_end + 50 * MS > own, row


@given(
    total=st.integers(1, 50),
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), max_size=60),
    joins=st.integers(1, 3),
)
@example(total=2, steps=[(0, 1)], joins=3)  # told to give one up, and later to keep it
def test_slots_are_never_more_than_there_are(total: int, steps: list[tuple[int, int]], joins: int) -> None:
    """Whatever the order in which processes let go: what they may have under way adds up to the total at most."""
    allowed = [total]
    held = [total]

    def tell(number: int, slots: int) -> None:
        allowed[number] = slots
        held[number] = max(held[number], slots)  # it takes all it may

    slots = Slots(total)
    slots.join(lambda n: tell(0, n), total)
    for number in range(1, joins + 1):
        allowed.append(0)
        held.append(0)
        slots.join(lambda n, number=number: tell(number, n))  # type: ignore[misc]
        slots.share([1.0] * len(allowed))
        for who, down in steps:
            if who < len(held) and held[who] > allowed[who]:
                held[who] = max(allowed[who], held[who] - down)
                slots.freed(who, held[who])
            assert sum(held) <= total
    for who in range(len(held)):
        held[who] = min(held[who], allowed[who])
        slots.freed(who, held[who])
    assert sum(held) == total == sum(allowed)


@given(total=st.integers(1, 60), others=st.integers(0, 30))
def test_each_process_has_a_slot_where_there_are_so_many(total: int, others: int) -> None:
    """Also the first, which gets little where it has many to look after."""
    told: dict[int, int] = {}
    slots = Slots(total)
    slots.join(lambda n: told.update({0: n}), total)
    for number in range(1, others + 1):
        slots.join(lambda n, number=number: told.update({number: n}))  # type: ignore[misc]
    slots.share([max(1 - others / 32, 0.1), *[1.0] * others])
    slots.freed(0, told.get(0, total))
    shares = [told.get(0, total), *(told.get(number, 0) for number in range(1, others + 1))]
    assert sum(shares) == total
    assert min(shares) >= (1 if others < total else 0)


def test_lag_is_judged_by_its_99th_percentile() -> None:
    assert not Pulse(sent=1000, late=10, ticks=20).lags
    assert Pulse(sent=1000, late=11, ticks=20).lags
    assert not Pulse(sent=10, late=1, ticks=20).lags  # one is no percentile
    assert not Pulse(ticks=20, late_ticks=2).lags
    assert Pulse(ticks=20, late_ticks=3).lags
    assert Pulse(1, 2, 3, 4).plus(Pulse(10, 20, 30, 40)) == Pulse(11, 22, 33, 44)


def test_lateness_of_requests_and_of_the_loop_are_counted() -> None:
    async def counted() -> tuple[Pulse, Pulse]:
        punctual = Punctual(asyncio.get_running_loop())
        for lateness in (0, 10 * MS, 10 * MS + 1, 50 * MS):
            punctual.count(lateness)
        first = punctual.take()
        for _ in range(6):
            time.sleep(0.07)  # the loop stands still
            await asyncio.sleep(0)
        punctual.stop()
        return first, punctual.take()

    first, second = asyncio.run(counted())
    assert (first.sent, first.late) == (4, 2)
    assert second.sent == second.late == 0 and second.ticks == second.late_ticks >= 2


@pytest.mark.parametrize("session", [None, "s"], ids=["when taken", "when released"])
def test_a_fault_of_our_own_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session: str | None) -> None:
    """It is raised, wherever it happens: not logged, with a request lost and the run waiting for it."""
    whole = Bodies.of

    def of(self: Bodies, index: int, request: Request) -> Body:
        if index == 1:
            raise ZeroDivisionError("a fault")
        return whole(self, index, request)

    monkeypatch.setattr(Bodies, "of", of)
    rows: list[dict[str, Any]] = [{"at_s": 0.0, "id": "1"}, {"at_s": 0.1, "after": "1"}, {"at_s": 0.2}]
    trace = trace_file(
        tmp_path / "t", ({**row, "session": session} if session else {"at_s": row["at_s"]} for row in rows)
    )
    with fault_server(first_ms=500) as server, pytest.raises(ZeroDivisionError):
        replayed(tmp_path / "j", order(trace, server.url))
    lines = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines()]
    assert lines[-1]["kind"] == "end" and lines[-1]["about"]["reason"] == "failed"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_fault_where_outcomes_are_heard_ends_the_run(tmp_path: Path, processes: int) -> None:
    """They come from another process, whose conversation must not end in silence."""

    class Broken(Watch):
        def take(self, outcome: Outcome) -> None:
            if outcome.index == 20:
                raise ZeroDivisionError("a fault")
            super().take(outcome)

    trace = evenly(tmp_path / "t", 40, 40)
    with fault_server(first_ms=10) as server:
        made = order(trace, server.url, processes=processes, begin_with=processes)
        with pytest.raises(ZeroDivisionError):
            ended_within(20, tmp_path / "j", made, Broken())
    (run,) = read_journal(tmp_path / "j").runs
    assert run.ended is not None and run.ended["reason"] == "failed"


def ended_within(seconds: float, journal: Path, made: Order, watch: Watch | None = None) -> RecordedRun:
    """A run that may hang: then the test fails, and the run with it, as its journal is closed."""
    found: list[RecordedRun] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            found.append(replayed(journal, made, watch))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    assert found, "the run hangs"
    return found[0]


def test_a_run_that_cannot_begin_is_said_to_have_failed(tmp_path: Path) -> None:
    class Broken(Source):
        def rows(self) -> Any:
            raise ZeroDivisionError("a fault")

    made = order(evenly(tmp_path / "t", 3, 10), "http://127.0.0.1:9", source=Broken(str(tmp_path / "t")))
    with pytest.raises(ZeroDivisionError):
        replayed(tmp_path / "j", made)
    (run,) = read_journal(tmp_path / "j").runs
    assert run.ended is not None and (run.ended["reason"], run.ended["requests"]) == ("failed", 0)


def test_what_is_skipped_at_the_beginning_delays_nothing(tmp_path: Path) -> None:
    """Rows before the first one to be sent are read before the clock of the run begins."""

    class Slow(Source):
        def rows(self) -> Any:
            time.sleep(0.5)
            yield from super().rows()

    trace = evenly(tmp_path / "t", 5, 100)
    with fault_server() as server:
        run = replayed(tmp_path / "j", order(trace, server.url, source=Slow(str(trace))))
    late = [o.sent - o.scheduled for o in run.outcomes if o.sent is not None]
    assert len(late) == 5 and quantile(late, 0.5) < 200 * MS, late


def test_an_interrupt_after_a_failure_lets_go(tmp_path: Path) -> None:
    """The run waits for what is under way already: nobody has to press Ctrl-C twice, and the failure stays."""

    class Let:
        cancelled = 0

        def stop(self) -> None: ...

        def cancel(self) -> None:
            self.cancelled += 1

    async def interrupted() -> tuple[int, dict[str, Any]]:
        with Journal.create(tmp_path / "j", {}) as journal:
            journal.begin(1, {})
            run, crew = Run(order(tmp_path / "t", "http://127.0.0.1:9"), journal, Watch()), Let()
            run._crew = crew  # type: ignore[assignment]
            run._failed(ChildProcessError("a client process died"))
            before = crew.cancelled
            run.interrupt()
            return crew.cancelled - before, {"reason": run._reason}

    assert asyncio.run(interrupted()) == (1, {"reason": "failed"})


# what a client process is made of


def test_a_further_process_is_light() -> None:
    """No NumPy, pydantic, rich, typer or YAML: what a process has for sending is the client and little else."""
    code = "import sys, tco.replay.load.worker; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "aiohttp" in loaded
    assert not {"numpy", "pydantic", "rich", "typer", "yaml", "pandas", "matplotlib"} & set(loaded)


def test_the_first_process_is_light_too(tmp_path: Path) -> None:
    """Neither pydantic nor rich; NumPy is what the trace is read with."""
    trace = evenly(tmp_path / "t", 3, 100)
    with fault_server() as server:
        process = started({"trace": trace, "url": server.url, "journal": tmp_path / "j"})
        out, error = process.communicate(timeout=20)
    assert process.returncode == 0, error
    assert not {"pydantic", "rich", "typer", "pandas", "matplotlib", "scipy"} & set(
        json.loads(out.splitlines()[1])["modules"]
    )


def test_a_key_is_in_no_argument_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes through the socket. Looked at from outside, as any user of the machine may."""
    secret = "sk-not-to-be-seen-4711"
    monkeypatch.setenv("TCO_API_KEY", secret)  # where the command has it from
    trace = evenly(tmp_path / "t", 100, 80)
    seen: list[bytes] = []

    async def look(_client: object) -> None:
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    told = (process / "cmdline").read_bytes()
                    if b"tco.replay.load.worker" in told:
                        seen.append(told + (process / "environ").read_bytes())
                except OSError:
                    continue

    with fault_server(key=secret) as server:
        made = order(trace, server.url, processes=2, begin_with=2)._replace(target=check(server.url, (), secret))
        run = replayed(tmp_path / "j", made, beside=[look])
    assert {o.status for o in run.outcomes} == {"ok"}
    assert seen and not any(secret.encode() in text for text in seen)
    assert secret.encode() not in (tmp_path / "j").read_bytes()


def test_timers_are_precise() -> None:
    """An epoll alone waits in whole milliseconds, rounded up."""
    loop = precise_loop()

    async def late() -> list[float]:
        found = []
        for _ in range(60):
            due = loop.time() + 0.0012
            woken = loop.create_future()
            loop.call_at(due, woken.set_result, None)
            await woken
            found.append(loop.time() - due)
        return found

    try:
        assert quantile(loop.run_until_complete(late()), 0.5) < 0.0004
    finally:
        loop.close()


def test_it_runs_outside_of_the_main_thread(tmp_path: Path) -> None:
    """Where there are no signals to catch."""
    trace = evenly(tmp_path / "t", 5, 100)
    runs = []
    with fault_server() as server:
        thread = threading.Thread(target=lambda: runs.append(replayed(tmp_path / "j", order(trace, server.url))))
        thread.start()
        thread.join(20)
    assert len(runs[0].outcomes) == 5


# what is replayed


def test_a_source_counts_what_it_leaves_out(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"at_s": 1.0, "input_tokens": 90, "output_tokens": 10},
        {"at_s": 2.0, "input_tokens": 91, "output_tokens": 10},
        {"at_s": 3.0, "input_tokens": 50, "output_tokens": None},
        {"at_s": 4.0, "input_tokens": 100, "output_tokens": None},
        {"at_s": 5.0, "input_tokens": 1, "output_tokens": 1},
        {"at_s": 6.0, "input_tokens": 1, "output_tokens": 1},
    ]
    trace = trace_file(tmp_path / "t", ({k: v for k, v in row.items() if v is not None} for row in rows))
    text = trace.read_text().replace('"input_tokens": 50, "output_tokens": 4', '"input_tokens": 50')
    trace.write_text(text.replace('"input_tokens": 100, "output_tokens": 4', '"input_tokens": 100'))
    source = pickle.loads(pickle.dumps(Source(str(trace), limit=3, longest=100)))
    found = list(source.requests())
    assert [i for i, _ in found] == [0, 2, 4]
    assert [r.at for _, r in found] == [0, 2, 4]
    assert source.left_out == {"longer than the server's 100 tokens": 2}
    assert source.taken == 3
    assert list(Source(str(trace), limit=0).requests()) == []
    short = Source(str(trace), limit=1, longest=100)
    assert [i for i, _ in short.requests()] == [0] and short.left_out == {}  # the next one was not looked at
    assert [r is None for _, r in source.rows()] == [False, True, False, True, False]
    again = Source(str(trace), first=1, longest=100)
    assert [(i, r.at) for i, r in again.requests()] == [(2, 0), (4, 2), (5, 3)]  # times count from the first one given


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"speedup": 1, "concurrency": 2}, "exclude each other"),
        ({"speedup": 0}, "a speed-up of 0 is none"),
        ({"speedup": float("nan")}, "a speed-up of nan is none"),
        ({"concurrency": 0}, "a concurrency of 0 is none"),
        ({"duration": -1}, "a duration of -1 seconds is none"),
    ],
)
def test_a_pace_that_is_none(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pace.of(**asked)


def test_a_pace() -> None:
    assert Pace.of() == Pace(1.0, None, None)
    assert Pace.of(4).due(10) == 10 / 4 * 1e6
    assert Pace.of(concurrency=3).due(10) is None
    assert Pace.of(duration=1.5).until == 1.5e6


def test_a_watch_knows_how_far_it_is() -> None:
    watch = Watch(requests=4)
    assert watch.share() == 0 and watch.left() is None
    watch.take(Outcome(0, 0, 2 * MS, 5 * MS, 6 * MS, 7 * MS, (MS,), 1, 2, 0, "ok"))
    watch.take(Outcome(1, 0, None, None, None, 7 * MS, (), None, None, None, "refused"))
    assert (watch.succeeded, watch.failed, watch.failures) == (1, 1, {"refused": 1})
    assert [value for _, value in watch.latencies] == [0.005]
    assert [value for _, value in watch.latenesses] == [0.002]
    assert watch.share() == 2 / 4
    watch.zero = time.monotonic() - 10
    assert watch.left() == pytest.approx(10, abs=0.5)
    timed = Watch(seconds=40)
    timed.zero = time.monotonic() - 10
    assert timed.share() == pytest.approx(0.25, abs=0.02) and timed.left() == pytest.approx(30, abs=0.5)
    both = Watch(requests=4, seconds=40)  # it ends by whichever comes first
    both.zero = time.monotonic() - 10
    assert both.share() == pytest.approx(10 / 40, abs=0.02) and both.left() == pytest.approx(30, abs=0.5)
    both.failed = 2
    assert both.share() == 2 / 4 and both.left() == pytest.approx(10, abs=0.5)


def test_a_watch_of_a_run_that_went_on() -> None:
    """20 of 100 were left: 5 of them took a second, so 15 will take three, however long the first part was."""
    watch = Watch(requests=20)
    watch.zero, watch.began, watch.succeeded = time.monotonic() - 41, time.monotonic() - 1, 5
    assert watch.share() == 5 / 20
    assert watch.left() == pytest.approx(3, abs=0.1)
    assert watch.elapsed() == pytest.approx(41, abs=0.1)


def test_reading_gives_way_where_rows_are_skipped(tmp_path: Path) -> None:
    """What is left out or done takes its time to be read as well."""

    class Slow(Source):
        def rows(self) -> Any:
            for index in range(20):
                time.sleep(SLICE_S)
                yield index, None if index % 2 else Request(0.0, 1, 1)
            yield 20, Request(0.0, 1, 1)

    class Taker:
        got: tuple[int, ...] = ()
        over = False

        def take(self, one: Item) -> bool:
            self.got += (one.row,)
            return True

        def finish(self) -> None:
            self.over = True

    async def turns() -> tuple[int, tuple[int, ...]]:
        taker, failures = Taker(), list[BaseException]()
        feed = Feed(Slow(str(tmp_path / "t")), Pace.of(1), dict.fromkeys(range(20), (0, True)))
        feed.start(taker, asyncio.get_running_loop(), time.monotonic_ns(), failures.append)
        count = 0
        while not taker.over and count < 1000:
            await asyncio.sleep(0)
            count += 1
        assert failures == []
        return count, taker.got

    count, got = asyncio.run(turns())
    assert got == (20,) and 20 <= count < 1000


def test_failures_are_counted_and_the_run_goes_on(tmp_path: Path) -> None:
    trace = evenly(tmp_path / "t", 40, 100)
    with fault_server(fault=("http_429@3", "reset@5", "no_done@7", "error_mid@9")) as server:
        run = replayed(tmp_path / "j", order(trace, server.url))
    assert Counter(o.status for o in run.outcomes) == {"ok": 36, "http": 1, "reset": 1, "no done": 1, "error event": 1}
