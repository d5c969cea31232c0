"""Times of a trace: units held against the values, order restored in constant memory, ties spread."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tco.document import Faults
from tco.traffic.batch import SECOND, Batch, batch_of, joined, nanoseconds, seconds
from tco.traffic.columns import time_of
from tco.traffic.formats import own
from tco.traffic.order import in_order
from tco.traffic.request import Request
from tco.traffic.spread import spread, tick_of
from tco.traffic.trace import open_trace

TRACES = Path(__file__).parent / "fixtures" / "traces"


def mooncake(path: Path, stamps: list[float], tokens: int = 600) -> Path:
    rows = [{"timestamp": s, "input_length": tokens, "output_length": 5, "hash_ids": [i]} for i, s in enumerate(stamps)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# -- units ------------------------------------------------------------------------------------------------------------


def test_a_stated_unit_holds(tmp_path: Path) -> None:
    path = mooncake(tmp_path / "t", [0, 5, 7])
    assert [r.at for r in open_trace(path).requests()] == [0, 5 / 1000, 7 / 1000]
    for unit, scale in (("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)):
        trace = open_trace(path, time_unit=unit)
        assert [r.at for r in trace.requests()] == [0, 5 / scale, 7 / scale]
        assert trace.clock.evidence.endswith("as stated")


@pytest.mark.parametrize(
    ("stamps", "tokens", "said"),
    [
        ([0, 1.5, 3], 600, "1 of the first 3 have a fraction"),
        ([1_700_000_000, 1_700_000_003], 600, "times of day in seconds"),
        ([1_700_000_000_000_000, 1_700_000_003_000_000], 600, "2 of the first 2 would be more than 146 years"),
        (list(range(0, 300, 3)), 30_000, "they would make 10,102,694 tokens/s"),
        (list(range(100)) * 11, 6, "they would make 11,101 requests/s"),
        ([i * 90_000_000_000 for i in range(20)], 600, "days from one request to the next"),
    ],
)
def test_values_that_contradict_the_documented_unit_ask_for_it(
    tmp_path: Path, stamps: list[float], tokens: int, said: str
) -> None:
    path = mooncake(tmp_path / "t", sorted(stamps), tokens)
    with pytest.raises(Faults) as caught:
        open_trace(path)
    assert said in caught.value.render() and "--time-unit" in caught.value.render()
    assert len(list(open_trace(path, time_unit="us").requests())) == len(stamps)


def test_seconds_taken_for_milliseconds_are_noticed(tmp_path: Path) -> None:
    """3.4 requests/s of 12,000 tokens, written in seconds: as milliseconds they would be 41 million tokens/s."""
    path = mooncake(tmp_path / "t", [i * 3 // 10 for i in range(200)], 12_000)
    with pytest.raises(Faults, match="tokens/s"):
        open_trace(path)


def test_a_unit_in_the_name_is_not_doubted(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(f'{{"at_s": {i / 100_000}, "input_tokens": 100000}}\n' for i in range(100)))
    trace = open_trace(path)
    assert len(list(trace.requests())) == 100
    assert trace.clock == ("s", "seconds, as the key `at_s` says")
    with pytest.raises(Faults, match="which names its own"):
        open_trace(path, time_unit="ms")


def test_a_unit_for_times_of_day_is_refused() -> None:
    with pytest.raises(Faults, match="has times of day"):
        open_trace(TRACES / "azure_2023.csv", time_unit="s")
    with pytest.raises(Faults, match="has no times"):
        open_trace(TRACES / "batch_input.jsonl", time_unit="s")
    with pytest.raises(Faults, match="no time unit `min`"):
        open_trace(TRACES / "mooncake.jsonl", time_unit="min")


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01 00:00:00", 0),
        ("1970-01-02T00:00:01.5Z", 86_401_500_000_000),
        ("1970-01-01 01:00:00.0000001+01:00", 100),
        ("1970-01-01 00:00:00-0130", 90 * 60 * SECOND),
        ("1969-12-31 23:59:59.999999999", -1),
        ("1970-01-01 00:01", 60 * SECOND),
        ("1970-13-01 00:00:00", None),
        ("1970-01-01 00:00:61", None),
        ("1970-01-01", None),
        ("today", None),
        ("", None),
    ],
)
def test_times_of_day(text: str, ns: int | None) -> None:
    assert time_of(text) == ns


@given(st.integers(-(10**16), 10**16).map(lambda n: n * 100), st.sampled_from([0, 3, 6, 7, 9]))
def test_a_column_of_times_is_read_as_each_one(ns: int, digits: int) -> None:
    from datetime import UTC, datetime, timedelta

    from tco.traffic.columns import Check
    from tco.traffic.tally import Tally

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // SECOND)
    text = moment.strftime("%Y-%m-%d %H:%M:%S") + (f".{ns % SECOND:09d}"[: digits + 1] if digits else "")
    if moment.year < 1900 or moment.year > 2100:
        return
    for column in ([text, text], [text, text + "Z"], [text + "+00:00"] * 2, [text + "+00:00", text]):
        check = Check(2, Tally(), lambda row: row)
        assert check.times(column, "t").tolist() == [time_of(text)] * 2
        assert check.good.all()


@given(st.integers(0, 1 << 61))
@example(9007199254740993)
@example(289916413903909948)  # as a float it would be rounded before it is divided, and then again
def test_seconds_and_nanoseconds_are_one_and_the_same(ns: int) -> None:
    at = seconds(np.array([ns], np.int64))[0]
    assert at == ns / SECOND
    assert nanoseconds(at) / SECOND == at
    if ns < 1 << 50:
        assert nanoseconds(at) == ns


# -- order ------------------------------------------------------------------------------------------------------------


def rows_of(stamps: list[int]) -> list[Request]:
    return [
        Request(float(s), i + 1, i, tuple(range(i % 3)), id=f"r{i}", prompt="x" * (i % 5) or None)
        for i, s in enumerate(stamps)
    ]


def batches(rows: list[Request], size: int) -> Iterator[Batch]:
    for start in range(0, len(rows), size):
        yield batch_of(rows[start : start + size])


def requests(found: Iterator[Batch]) -> list[Request]:
    return [r for b in found for r in b.requests()]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=120),
    st.integers(1, 40),
    st.integers(1, 12_000),
    st.integers(1, 4000),
)
def test_external_sort_is_sorted(stamps: list[int], size: int, run: int, part: int) -> None:
    """Runs of some rows, slices of fewer: stable, with every column of every row."""
    rows = rows_of(stamps)
    assert requests(in_order(batches(rows, size), run=run, part=part)) == sorted(rows, key=lambda r: r.at or 0.0)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.data())
def test_taking_and_joining_are_what_lists_do(stamps: list[int], data: st.DataObject) -> None:
    rows = rows_of(stamps)
    whole = batch_of(rows)
    which = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=80))
    assert list(whole.take(np.array(which, np.int64)).requests()) == [rows[i] for i in which]
    mask = np.array([i in which for i in range(len(rows))])
    assert list(whole.take(mask).requests()) == [r for i, r in enumerate(rows) if i in which]
    assert list(joined(list(batches(rows, 7))).requests()) == rows


def test_rows_out_of_order_are_put_in_order_and_counted(tmp_path: Path) -> None:
    trace = open_trace(mooncake(tmp_path / "t", [0, 3000, 1000, 2000, 3000]))
    assert [(r.at, r.blocks) for r in trace.requests()] == [
        (0.0, (0,)), (1.0, (2,)), (2.0, (3,)), (3.0, (1,)), (3.0, (4,)),
    ]  # fmt: skip
    assert trace.tally.unordered == 2
    again = open_trace(TRACES / "mooncake.jsonl")
    list(again.requests())
    assert again.tally.unordered == 0


def test_the_earliest_row_is_the_zero(tmp_path: Path) -> None:
    trace = open_trace(mooncake(tmp_path / "t", [5000, 4000]))
    assert [r.at for r in trace.requests()] == [0.0, 1.0]


def test_nothing_is_left_of_the_files_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no name, even while they are read: whatever ends the process leaves nothing."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows = rows_of(list(range(50, 0, -1)))
    found = in_order(batches(rows, 5), run=1000, part=300)
    next(found)
    assert list(tmp_path.iterdir()) == []
    found.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this platform")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115
    with pytest.raises(OSError, match="No space left"):
        list(in_order(batches(rows_of(list(range(50))), 5), run=1000))


# -- ties -------------------------------------------------------------------------------------------------------------


def stamped(*stamps: float) -> Iterator[Batch]:
    return batches([Request(s, 1, 1) for s in stamps], 3)


@pytest.mark.parametrize(
    ("stamps", "tick"),
    [
        ((0, 0, 3, 3, 6, 9, 9), 3.0),
        ((0, 2.999, 6, 8.999, 12), (2.999 + 3.001 + 2.999 + 3.001) / 4),  # a clock that jitters
        ((0, 1, 5, 7, 30), 1.0),  # whole seconds, no gap the usual one
        ((4, 4, 4), 0.0),
    ],
)
def test_the_tick_of_a_clock(stamps: tuple[float, ...], tick: float) -> None:
    assert tick_of(stamped(*stamps)) == pytest.approx(tick * SECOND)


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=60), st.integers(1, 9), st.integers(0, 99))
def test_ties_are_spread_within_the_tick_in_the_order_they_stood(stamps: list[int], size: int, seed: int) -> None:
    rows = rows_of(sorted(stamps))
    tick = 3 * SECOND
    found = requests(spread(batches(rows, size), tick, seed))
    assert found == requests(spread(batches(rows, 1000), tick, seed)), "whatever the batches"
    assert [r.id for r in found] == [r.id for r in rows]
    times = [r.at or 0.0 for r in found]
    assert times == sorted(times)
    for before, after in zip(rows, found, strict=True):
        assert before.at is not None and after.at is not None
        alone = sum(r.at == before.at for r in rows) == 1
        later = [r.at for r in rows if r.at is not None and r.at > before.at]
        room = min([3.0, *(t - before.at for t in later)])
        assert after.at == before.at if alone else before.at <= after.at < before.at + room


def test_spread_by_seed() -> None:
    def times(seed: int | None) -> list[float | None]:
        return [r.at for r in open_trace(TRACES / "mooncake.jsonl", spread=seed).requests()]

    assert times(1) == times(1) != times(2)
    assert times(None)[:2] == [0.0, 0.0]
    first, second, *_ = times(1)
    assert first == 0.0 and second is not None and 0 < second < 3


def test_ties_without_a_tick_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="all requests have one time stamp"):
        list(open_trace(mooncake(tmp_path / "t", [7, 7]), spread=1).requests())
    with pytest.raises(Faults, match="no ties to spread"):
        open_trace(TRACES / "batch_input.jsonl", spread=1)


# -- properties -------------------------------------------------------------------------------------------------------

NAMES = st.none() | st.text(min_size=1, max_size=6)
TOKENS = st.none() | st.integers(0, 10**9)


@st.composite
def traces(draw: st.DrawFn) -> tuple[int | None, list[Request]]:
    """Any trace that the format can hold: timed or not, each request with a length or a prompt."""
    block = draw(st.none() | st.integers(1, 1000))
    timed = draw(st.booleans())
    count = draw(st.integers(1, 8))
    gaps = [0, *draw(st.lists(st.integers(0, 1 << 57), min_size=count - 1, max_size=count - 1))]
    rows: list[Request] = []
    for at in np.cumsum(np.array(gaps, np.int64)).tolist():
        prompt = draw(st.none() | st.text(max_size=9) | st.just(({"role": "user", "content": "é\x00"},)))
        tokens = draw(TOKENS if prompt is not None else st.integers(0, 10**9))
        most = 0 if block is None or tokens is None else min(4, -(-tokens // block))
        rows.append(
            Request(
                at / SECOND if timed else None,
                tokens,
                draw(TOKENS),
                tuple(draw(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=most))),
                draw(NAMES),
                draw(NAMES),
                draw(NAMES),
                draw(st.none() | st.floats(0, 1e8)),
                prompt,
                draw(st.none() | st.integers(0, tokens if tokens is not None else 10**9)),
                draw(NAMES),
            )
        )
    return block, rows


@settings(deadline=None, max_examples=200)
@given(traces())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[int | None, list[Request]]
) -> None:
    block, rows = made
    path = tmp_path_factory.getbasetemp() / "round.jsonl"
    path.write_bytes(own.header(block) + b"".join(own.lines([batch_of(rows)])))
    trace = open_trace(path)
    assert list(trace.requests()) == rows
    assert (trace.block_tokens, trace.timed) == (block, rows[0].at is not None)
    assert trace.tally.read == trace.tally.kept == len(rows)


SAMPLES = sorted(path.name for path in TRACES.iterdir())


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(SAMPLES), st.data())
def test_kept_and_dropped_make_what_was_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """Lines cut, doubled, emptied, and bytes changed: rows add up, or the whole is an error. Never anything else."""
    lines = (TRACES / name).read_bytes().split(b"\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = data.draw(st.integers(0, len(line)))
        junk = data.draw(st.binary(max_size=6))
        lines[at] = data.draw(st.sampled_from([line[:cut], line + b"\n" + line, b"", line[:cut] + junk + line[cut:]]))
    path = tmp_path_factory.getbasetemp() / "broken"
    path.write_bytes(b"\n".join(lines))
    try:
        trace = open_trace(path)
        rows = list(trace.requests())
    except Faults:
        return
    tally = trace.tally
    assert tally.kept == len(rows) > 0
    assert tally.read == tally.kept + sum(tally.dropped.values())
    if name.endswith("l") and not name.startswith("otel"):
        texts = b"\n".join(lines).split(b"\n")
        header = trace.header != {}
        assert tally.read == sum(bool(text.strip()) for text in texts) - header
