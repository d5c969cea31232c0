"""Logs that are none: an error with its place and what was expected, or rows dropped by reason. Never a traceback."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tco.document import Faults
from tco.traffic.trace import Trace, open_trace

TRACES = Path(__file__).parent / "fixtures" / "traces"
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
GOOD = '{"timestamp": 0, "input_length": 5, "output_length": 1, "hash_ids": [1]}\n'


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "log"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fault(path: Path | str, **how: Any) -> str:
    with pytest.raises(Faults) as caught:
        list(open_trace(path, **how).requests())
    return caught.value.render()


def dropped(path: Path, **how: Any) -> Trace:
    trace = open_trace(path, **how)
    rows = list(trace.requests())
    assert trace.tally.kept == len(rows)
    return trace


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n \n\r\n", "nothing but blank lines"),
        (AZURE.encode(), "no rows"),
        (b'{"tco_trace": 1}\n', "no rows"),
        (AZURE.encode("utf-16"), "the file is UTF-16"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "a NUL byte: the file is binary"),
        (b"PK\x03\x04\n\0junk", "log:2:1: a NUL byte"),
        (b"hello world\n", "unknown format: columns `hello world`"),
        (b"TIMESTAMP,ContextToken,Generated\n1,2,3\n", "the nearest is `azure`"),
        (b'{"timestamp": 1, "input_len": 5, "output_len": 3}\n', "the nearest is `mooncake`"),
        (b'{"a": 1}\n', "unknown format: keys `a`"),
        (b"[]", "unknown format: no keys"),
        (b"[" * 100_000, "unknown format: no keys"),
        (b'{"spans": [' + b"[" * 100_000, "log:1:1: nested too deeply"),
        (b'{"spans": [\n{"span_id": 1,}\n]}', "log:2:15: not JSON"),
        (b'{"tco_trace": 2}\n{"input_tokens": 1}\n', "version 2 of the trace format"),
        (b'{"tco_trace": 1, "block_tokens": 0}\n{"input_tokens": 1}\n', "`block_tokens` is no number of tokens"),
        (b'{"tco_trace": 1, "block_tokens": true}\n{"input_tokens": 1}\n', "`block_tokens` is no number of tokens"),
        (b'{"input_tokens": 5, "blocks": [1]}\n', "`blocks` without `block_tokens`"),
        (b'{"input_tokens": -5}\n', "log:1:1: `input_tokens` below 0"),
        (b'{"tco_trace": 1}\n{"at_s": 0, "input_token": 5}\n', "did you mean `input_tokens`?"),
        (AZURE.encode() + b"yesterday,1,2\n", "log:2:1: `TIMESTAMP` is no time"),
        (AZURE.encode() + b"2023-11-16 18:17:03.97,x,2\n", "log:2:1: `ContextTokens` is no number"),
        (AZURE.encode() + b"1,2\n3,4,5,6\n", "another number of cells than the 3 of the header (2 rows, none"),
    ],
)
def test_a_file_of_which_nothing_can_be_read(tmp_path: Path, content: bytes, said: str) -> None:
    text = fault(written(tmp_path, content))
    assert said in text
    assert "expected" in text


def test_missing_and_folder(tmp_path: Path) -> None:
    assert "no such file" in fault(tmp_path / "nothing.jsonl")
    assert "is a folder" in fault(tmp_path)


@pytest.mark.parametrize("cut", [3, 30, -1, -9])
def test_broken_gzip(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress((TRACES / "litellm.jsonl").read_bytes())
    assert "gzip" in fault(written(tmp_path, packed[:cut]))
    middle = len(packed) // 2
    assert "gzip" in fault(written(tmp_path, packed[:middle] + b"junk" * 9 + packed[middle + 36 :]))
    assert "packed twice" in fault(written(tmp_path, gzip.compress(packed)))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"timestamp": 1, "input_length": -1, "output_length": 1}', "`input_length` below 0"),
        ('{"timestamp": 1, "input_length": 1e12, "output_length": 1}', "`input_length` above 1,000,000,000"),
        (f'{{"timestamp": 1, "input_length": {10**30}, "output_length": 1}}', "`input_length` above 1,000,000,000"),
        ('{"timestamp": 1, "input_length": 1.5, "output_length": 1}', "`input_length` is no whole number"),
        ('{"timestamp": 1, "input_length": NaN, "output_length": 1}', "not JSON"),
        ('{"timestamp": 1, "input_length": 1e999, "output_length": 1}', "`input_length`: number out of range"),
        (
            '{"timestamp": 1, "input_length": "5", "output_length": 1}',
            "`input_length`: expected `int | float | null`, got",
        ),
        ('{"timestamp": 1, "output_length": 1}', "no `input_length`"),
        ('{"timestamp": -1, "input_length": 1, "output_length": 1}', "`timestamp` before 0"),
        ('{"timestamp": 1e18, "input_length": 1, "output_length": 1}', "`timestamp` is no time: more than 146 years"),
        ('{"timestamp": null, "input_length": 1, "output_length": 1}', "no `timestamp`"),
        ('{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1, 2]}', "more `hash_ids` than"),
        (f'{{"timestamp": 1, "input_length": 1, "hash_ids": [{1 << 63}]}}', "`hash_ids` of more than 64 bits"),
        ('{"timestamp": 1, "x": ' + "[" * 9000 + "]" * 9000 + "}", "nested too deeply"),
        ('{"timestamp": 1, "input_length": 1', "JSON that ends early"),
        ("[1, 2]", "expected `object`, got `array`"),
        ("\ufffe\x01", "not JSON"),
    ],
)
def test_a_bad_row_is_dropped_with_its_place(tmp_path: Path, line: str, reason: str) -> None:
    trace = dropped(written(tmp_path, GOOD + "\n" + line + "\n" + GOOD))
    assert trace.tally.read == 3 and trace.tally.kept == 2
    (said,) = trace.tally.dropped
    assert said.startswith(reason)
    assert trace.tally.first[0].line == 3


def test_the_first_few_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    trace = dropped(written(tmp_path, GOOD + '{"timestamp": -1, "input_length": 1}\n' * 1000 + "{\n" * 50))
    assert trace.tally.dropped == {"`timestamp` before 0": 1000, "JSON that ends early": 50}
    assert [drop.line for drop in trace.tally.first] == [1002, 1003, 1004, 1005, 1006]
    assert trace.tally.read == 1051


def test_a_line_of_ten_megabytes(tmp_path: Path) -> None:
    long = '{"prompt": "' + "x" * 10_000_000 + '", "input_tokens": 7}\n'
    trace = dropped(written(tmp_path, '{"input_tokens": 5}\n' + long + '{"input_tokens": 6}\n'))
    assert [r.input_tokens for r in trace.requests()] == [5, 7, 6]
    junk = "junk " * 2_000_000 + "\n"
    trace = dropped(written(tmp_path, GOOD + junk + GOOD))
    assert trace.tally.dropped == {"not JSON": 1}
    trace = dropped(written(tmp_path, long))  # the very first line
    assert trace.tally.kept == 1


def test_a_line_beyond_all_bounds_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tco.traffic.stream.LONGEST_LINE", 1 << 20)
    trace = dropped(written(tmp_path, GOOD + "x" * (3 << 20) + "\n" + GOOD + GOOD))
    assert trace.tally.kept == 3
    assert sum(trace.tally.dropped.values()) == 1 and trace.tally.first[0].line == 2
    trace = dropped(written(tmp_path, GOOD + "x" * (3 << 20)))
    assert (trace.tally.kept, trace.tally.read) == (1, 2)


def test_csv_with_nul_and_broken_utf8(tmp_path: Path) -> None:
    rows = b"2023-11-16 18:17:03.97,5,1\n2023-11-16 18:17:04,\xff\xfe,1\n2023-11-16 18:17:05,9,1\n"
    trace = dropped(written(tmp_path, AZURE.encode() + rows))
    assert trace.tally.dropped == {"`ContextTokens` is no number": 1}
    assert trace.tally.first[0].line == 3


def test_csv_quotes_that_never_end(tmp_path: Path) -> None:
    rows = '2023-11-16 18:17:03.97,5,1\n"2023-11-16 18:17:04,6,1\n2023-11-16 18:17:05,9,1\n'
    trace = dropped(written(tmp_path, AZURE + rows))
    assert (trace.tally.kept, trace.tally.read) == (1, 2)


def test_csv_columns_in_another_order(tmp_path: Path) -> None:
    path = written(tmp_path, "GeneratedTokens,note,ContextTokens,TIMESTAMP\n7,x,5,2023-11-16 18:17:03.97\n")
    assert [(r.input_tokens, r.output_tokens) for r in open_trace(path).requests()] == [(5, 7)]


def test_rows_without_a_time_in_a_trace_with_times(tmp_path: Path) -> None:
    trace = dropped(written(tmp_path, '{"at_s": 1, "input_tokens": 5}\n{"input_tokens": 5}\n'))
    assert trace.tally.dropped == {"no `at_s`": 1}
    trace = dropped(written(tmp_path, '{"input_tokens": 5}\n{"at_s": 1, "input_tokens": 5}\n'))
    assert trace.tally.dropped == {"`at_s` where the first row has none": 1}


def test_a_row_is_a_line(tmp_path: Path) -> None:
    """Whatever else is in the file: a value over two lines is two bad rows, blank lines are none."""
    split = GOOD.replace("{", "{\n")
    for more in ("", "{\n", "\n \n"):
        trace = dropped(written(tmp_path, GOOD + split + "\n" + GOOD + more))
        assert trace.tally.kept == 2
        assert trace.tally.read == 4 + ("{" in more)
        assert [drop.line for drop in trace.tally.first][:2] == [2, 3]


def test_a_header_is_the_first_line_or_none(tmp_path: Path) -> None:
    header = '{"tco_trace": 1, "block_tokens": 4}\n'
    trace = dropped(written(tmp_path, '{"tco_trace": 1,\n' + header + '{"input_tokens": 5}\n'))
    assert (trace.tally.kept, trace.tally.read, trace.block_tokens, trace.header) == (1, 3, None, {})


def test_nothing_of_a_row_is_shown(tmp_path: Path) -> None:
    """A log holds somebody's words: an error names the place and the fault, and repeats no text."""
    secret = "a-very-private-prompt"
    row = json.dumps({"custom_id": "x", "body": {"prompt": [secret, secret]}})
    text = fault(written(tmp_path, row + "\n"))
    assert "several prompts in one request" in text and secret not in text
    text = fault(
        written(tmp_path, f'{{"input_tokens": 5, "prompt": "{secret}", "x": }}\n{{"input_tokens": "{secret}"}}')
    )
    assert secret not in text


def test_a_file_that_changes_hands_between_passes_is_read_anew(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    trace = open_trace(path)
    assert len(list(trace.requests())) == 1
    path.write_text(GOOD * 3)
    assert len(list(trace.requests())) == 3


BLOCKS = st.lists(st.integers(-(1 << 70), 1 << 70) | st.integers(-3, 3), max_size=4).map(json.dumps)
JUNK = st.sampled_from(
    ["[ ]", "[1.5]", "[[1]]", "null", "5", '"x"', "[true]", "[1, [2], 3]", "{}", "[-0]", "[1e2]", "-1"]
)


@settings(deadline=None, max_examples=200)
@given(lists=st.lists(BLOCKS | JUNK, min_size=1, max_size=6))
def test_block_ids_are_read_as_json_has_them(tmp_path_factory: pytest.TempPathFactory, lists: list[str]) -> None:
    """Fast or one by one: the same ids, and the same rows left out."""
    path = tmp_path_factory.getbasetemp() / "blocks.jsonl"
    path.write_text(
        "".join(f'{{"timestamp": 0, "input_length": 9999, "output_length": 1, "hash_ids": {ids}}}\n' for ids in lists)
        + GOOD
    )

    def ids(text: str) -> tuple[int, ...] | None:
        found = json.loads(text)
        whole = isinstance(found, list) and all(isinstance(i, int) and not isinstance(i, bool) for i in found)
        return tuple(found) if whole and all(-(1 << 63) <= i < 1 << 63 for i in found) else None

    expected = [found for text in lists if (found := ids(text)) is not None]
    trace = dropped(path)
    assert [r.blocks for r in trace.requests()] == [*expected, (1,)]
    assert trace.tally.read == len(lists) + 1
