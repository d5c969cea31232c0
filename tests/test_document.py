"""YAML text beside the faults it gives, as `line:col message`; and whatever the bytes, a Document or Faults."""

from __future__ import annotations

import codecs
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PlainValidator, model_validator

from tco import units
from tco.document import (
    Document,
    Fault,
    Faults,
    Mark,
    compose,
    did_you_mean,
    load,
    load_text,
    nearest,
    one_of,
    validate,
)
from tco.document.excerpt import excerpt

SAMPLE = """\
# A scenario as people write them.
workload:
  volume: 33.3M tokens/day
  classes:
    - name: draft
      share: 70%
    - {name: classify, share: 0.3}
options: &all
  haiku:
    kind: api
    model: "anthropic/claude-haiku-4.5"
    price: 0.80  # per 1M tokens
    on_call: false
  pool:
    kind: self_hosted
    replicas: 1_000
    notes: |
      Text over
      two lines
    until:
as_of: 2026-11-21
again: *all
"""


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers: the C one where there is one, and what stands in for it elsewhere."""
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("PyYAML without libyaml")
    loader = yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader
    monkeypatch.setattr(compose, "PARSER", loader)


def faults_of(text: str | bytes) -> list[str]:
    with pytest.raises(Faults) as caught:
        load_text(text, "f.yaml")
    return [summary(fault) for fault in caught.value.faults]


def summary(fault: Fault) -> str:
    place = f"{fault.line}:{fault.col} " if fault.line else ""
    return f"{place}{fault.message}" + (f": `{fault.value}`" if fault.value else "")


def read(text: str | bytes) -> Document | Faults:
    try:
        return load_text(text, "f.yaml")
    except Faults as faults:
        return faults


def only_fault(text: str | bytes) -> Fault:
    with pytest.raises(Faults) as caught:
        load_text(text, "f.yaml")
    assert len(caught.value.faults) == 1
    return caught.value.faults[0]


# --- What is read ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("parser")
def test_data_is_plain_and_exact() -> None:
    document = load_text(SAMPLE, "scenario.yaml")
    options = {
        "haiku": {
            "kind": "api",
            "model": "anthropic/claude-haiku-4.5",
            "price": Decimal("0.80"),
            "on_call": False,
        },
        "pool": {
            "kind": "self_hosted",
            "replicas": 1000,
            "notes": "Text over\ntwo lines\n",
            "until": None,
        },
    }
    assert document.data == {
        "workload": {
            "volume": "33.3M tokens/day",
            "classes": [{"name": "draft", "share": "70%"}, {"name": "classify", "share": Decimal("0.3")}],
        },
        "options": options,
        "as_of": "2026-11-21",
        "again": options,
    }
    assert str(document.data["options"]["haiku"]["price"]) == "0.80"
    assert document.raw == SAMPLE.encode()


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("path", "value_at", "key_at"),
    [
        ((), (2, 1), None),
        (("workload",), (3, 3), (2, 1)),
        (("workload", "volume"), (3, 11), (3, 3)),
        (("workload", "classes", 0), (5, 7), None),
        (("workload", "classes", 0, "share"), (6, 14), (6, 7)),
        (("workload", "classes", 1), (7, 7), None),
        (("workload", "classes", 1, "share"), (7, 31), (7, 24)),
        (("options", "pool", "notes"), (17, 12), (17, 5)),
        (("options", "pool", "until"), (20, 11), (20, 5)),
        (("again",), (22, 8), (22, 1)),
        (("again", "haiku", "price"), (12, 12), (12, 5)),
    ],
)
def test_every_value_and_key_has_its_mark(path: Any, value_at: Mark, key_at: Mark | None) -> None:
    document = load_text(SAMPLE, "scenario.yaml")
    assert document.marks[path] == value_at
    assert document.key_marks.get(path) == key_at
    assert document.where(path) == f"scenario.yaml:{value_at[0]}"


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0", 0),
        ("1_000_000", 10**6),
        ("0.075", Decimal("0.075")),
        (".5", Decimal("0.5")),
        ("5.", Decimal("5")),
        ("-0.5", Decimal("-0.5")),
        ("1_000.25", Decimal("1000.25")),
        ("9" * 40, 10**40 - 1),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1e5", "1e5"),
        ("1.5e+3", "1.5e+3"),
        ("1,000", "1,000"),
        ("$1.10/hour", "$1.10/hour"),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21 10:30:00", "2026-11-21 10:30:00"),
        ("22:80", "22:80"),
        ("1.2.3", "1.2.3"),
        ("y", "y"),
        ("none", "none"),
        ("=", "="),
        ("-x", "-x"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("!!float 5", 5),
        ("'no'", "no"),
        ('"017"', "017"),
        ('"a\\tb"', "a\tb"),
        ("|\n  a\n  b", "a\nb\n"),
        ("[1, [2, {b: 3}]]", [1, [2, {"b": 3}]]),
        ("!!map {b: 1}", {"b": 1}),
    ],
)
def test_scalars(typed: str, meant: object) -> None:
    value = load_text(f"a: {typed}\n", "f.yaml").data["a"]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", ["a: 1\r\nb: 2\r\n", "a: 1\rb: 2", "\ufeffa: 1\nb: 2", b"\xef\xbb\xbfa: 1\nb: 2"])
def test_line_breaks_and_a_byte_order_mark(text: str | bytes) -> None:
    document = load_text(text, "f.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert document.marks[("a",)] == (1, 4)
    assert document.marks[("b",)] == (2, 4)


def test_columns_count_characters() -> None:
    assert load_text("a: [日本, é, 5]", "f.yaml").marks[("a", 2)] == (1, 12)


# --- What is refused ------------------------------------------------------------------------------

TRAPS: list[tuple[str | bytes, list[str], str]] = [
    ("a: yes", ["1:4 ambiguous word: `yes`"], "write `true`"),
    ("a: No", ["1:4 ambiguous word: `No`"], "write `false`"),
    ("a: ON", ["1:4 ambiguous word: `ON`"], "write `true`"),
    ("a: off", ["1:4 ambiguous word: `off`"], 'or `"off"` for text'),
    ("no: 1", ["1:1 ambiguous word: `no`"], 'write `"no"`'),
    ("a: [x, yes]", ["1:8 ambiguous word: `yes`"], ""),
    ("a: 017", ["1:4 number with a leading zero: `017`"], 'write `17`, or `"017"` for text'),
    ("a: -08.5", ["1:4 number with a leading zero: `-08.5`"], "write `-8.5`"),
    ("a: 00", ["1:4 number with a leading zero: `00`"], "write `0`"),
    ("a: 0o17", ["1:4 number in another base: `0o17`"], "write `15`"),
    ("a: 0x1F", ["1:4 number in another base: `0x1F`"], "write `31`"),
    ("a: 0b11", ["1:4 number in another base: `0b11`"], "write `3`"),
    ("a: 10:30", ["1:4 ambiguous time: `10:30`"], 'write `"10:30"` for text'),
    ("a: 09:05", ["1:4 ambiguous time: `09:05`"], "base 60"),
    ("a: 1:30:00.5", ["1:4 ambiguous time: `1:30:00.5`"], ""),
    ("a: .inf", ["1:4 not a finite number: `.inf`"], ""),
    ("a: -.INF", ["1:4 not a finite number: `-.INF`"], ""),
    ("a: .NaN", ["1:4 not a finite number: `.NaN`"], ""),
    ("a: 1_00", ["1:4 underscores in the wrong place: `1_00`"], ""),
    ("a: 2026_11_21", ["1:4 underscores in the wrong place: `2026_11_21`"], 'write `"2026_11_21"`'),
    (f"a: {'1' * 41}", [f"1:4 number too long: `{'1' * 41}`"], ""),
    (f"a: 0x{'f' * 5000}", [f"1:4 number in another base: `0x{'f' * 5000}`"], "write it in decimal"),
    ("5: x", ["1:1 key is not text: `5`"], 'write `"5"`'),
    ("true: x", ["1:1 key is not text: `true`"], 'write `"true"`'),
    ("null: x", ["1:1 key is not text: `null`"], ""),
    ("1.5: x", ["1:1 key is not text: `1.5`"], ""),
    (": x", ["1:1 missing key before `:`"], ""),
    ("? [a]\n: b", ["1:3 key is not text"], ""),
    ("? {a: 1}\n: b\nc: yes", ["1:3 key is not text", "3:4 ambiguous word: `yes`"], ""),
    ("a: 1\nb: 2\na: 3", ["3:1 duplicate key: `a`"], "first given at line 1, column 1"),
    ("x:\n  - {a: 1, a: 2}", ["2:12 duplicate key: `a`"], "first given at line 2, column 6"),
    ("a: &x {b: 1}\nc:\n  <<: *x", ["3:3 merge key not allowed: `<<`"], "an anchor on a whole value"),
    (
        "a: !!python/object:os.system {}",
        ["1:4 tag not allowed: `!!python/object:os.system`"],
        "leave the tag out",
    ),
    ("a: !!python/name:os.system ''", ["1:4 tag not allowed: `!!python/name:os.system`"], ""),
    (
        "a: !\nb: ! 5\nc: ! {d: 1}",
        ["1:4 tag not allowed: `!`", "2:4 tag not allowed: `!`", "3:4 tag not allowed: `!`"],
        "",
    ),
    ("a: !env HOME", ["1:4 tag not allowed: `!env`"], ""),
    ("a: !!set {b}", ["1:4 tag not allowed: `!!set`"], ""),
    ("a: !!binary aGk=", ["1:4 tag not allowed: `!!binary`"], ""),
    ("a: !!timestamp 2026-11-21", ["1:4 tag not allowed: `!!timestamp`"], ""),
    ("a: !!seq {b: 1}", ["1:4 tag not allowed: `!!seq`"], ""),
    ("a: !h!x 3", ["1:4 tag not allowed"], ""),
    ("a: !!int x", ["1:4 value does not fit its tag `!!int`: `x`"], ""),
    ("a: *b", ["1:4 unknown anchor: `*b`"], ""),
    ("a: &a [*a]", ["1:8 alias within its own anchor: `*a`"], ""),
    ("a: &x 1\nb: &x 2", ["2:4 duplicate anchor: `&x`"], ""),
    ("a: &x b\n*x : 1", ["2:1 alias as a key: `*x`"], ""),
    ("&x a: 1", ["1:1 anchor on a key: `&x`"], ""),
    ('a: "\\e[31m"', ["1:4 control character in text: `\x1b[31m`"], ""),
    ("a: 1\n---\nb: 2", ["2:1 second document in one file"], "remove the `---` line"),
    ("- a", ["1:1 top level is a list"], ""),
    ("\n  just text", ["2:3 top level is a single value"], ""),
    ("", ["file is empty"], ""),
    ("# only a comment\n", ["file is empty"], ""),
    ("---\n", ["file is empty"], ""),
    ("~", ["file is empty"], ""),
    ("a: b\x07", ["1:5 character U+0007 not allowed"], ""),
    ("a: b\u2028c: d", ["1:5 character U+2028 not allowed"], ""),
    ("x: 1\na: b\ud800", ["2:5 character U+D800 not allowed"], ""),
    (b"a: 1\nb: caf\xe9", ["2:7 byte 0xE9 is not UTF-8"], ""),
    (b"a: \x00", ["file is not text"], ""),
    (b"\x89PNG\r\n\x1a\n\x00\x00", ["file is not text"], ""),
    ("a: 1".encode("utf-16"), ["file is encoded in UTF-16"], "save it again as UTF-8"),
    (codecs.BOM_UTF32_LE + "a: 1".encode("utf-32-le"), ["file is encoded in UTF-32"], ""),
]

SYNTAX: list[tuple[str | bytes, list[str], str]] = [
    ("a:\n\tb: 1", ["2:1 tab used for indentation"], ""),
    ("a:\n  b: 1\n \tc: 1", ["3:2 tab used for indentation"], ""),
    ("a: 1\nb: 'x\nc: 2\n", ["2:4 quote is never closed"], ""),
    ('a: "x\n', ["1:4 quote is never closed"], ""),
    ("a: 1\nfoo\nb: 2", ["2:1 missing `:` after a key: `foo`"], ""),
    ("a\nb: 1", ["1:1 missing `:` after a key: `a`"], ""),
    ("a:1\nb: 1", ["1:1 missing `:` after a key"], "put a space after the colon: `a: 1`"),
    ("a: b: c", ["1:5 second `: ` on one line"], ""),
    ("a: 1\n  b: 2", ["2:3 line is indented too far"], ""),
    ("a: x\n # note\n   b: 2", ["3:4 line is indented too far"], ""),
    ("a:\n  b: 1\n c: 2", ["3:2 indentation fits no line above"], ""),
    ("a:\n  - b: 1\n   c: 2", ["3:4 indentation fits no line above"], ""),
    ("a:\n  - b\n  c: 1", ["3:3 list items and keys mixed"], ""),
    ("a:\n  b: 1\n  - c", ["3:3 list items and keys mixed"], ""),
    ("a: - b", ["1:4 list item on the line of its key"], ""),
    ("a: 'b' c", ["1:8 unexpected text after a value: `c`"], ""),
    ("a: [1, 2]]", ["1:10 unexpected text after a value: `]`"], ""),
    ("a: [1, 2\nb: 3", ["1:4 `[` is not closed, or a comma is missing"], ""),
    ("a: {b: 1\nc: 3", ["1:4 `{` is not closed, or a comma is missing"], ""),
    ("a:\n  b:\n    c: [\n", ["3:8 `[` is not closed, or a comma is missing"], ""),
    ("a: @x", ["1:4 character that cannot start a value: `@`"], ""),
    ("a: %x", ["1:4 character that cannot start a value: `%`"], ""),
    ("a: &", ["1:5 anchor or alias without a name"], ""),
    ("%YAML 2.0\n---\na: 1", ["1:1 directive not understood"], ""),
    ("a: 1\n...\nb", ["3:1 text after the end of the document"], ""),
]


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(("text", "expected", "hint"), TRAPS + SYNTAX)
def test_refused(text: str | bytes, expected: list[str], hint: str) -> None:
    assert faults_of(text) == expected
    with pytest.raises(Faults) as caught:
        load_text(text, "f.yaml")
    assert hint in caught.value.faults[0].hint


def test_unknown_escapes() -> None:
    assert only_fault('a: "C:\\path"').message == "unknown escape in double-quoted text"
    assert only_fault('a: "\\ud800"').message in (
        "unknown escape in double-quoted text",
        "control character in text",
    )


@pytest.mark.usefixtures("parser")
def test_all_faults_at_once_and_those_before_a_syntax_error() -> None:
    text = "b: yes\na: 017\nb: 10:30\n5: x\nc: [1\nd: no\n"
    assert faults_of(text) == [
        "1:4 ambiguous word: `yes`",
        "2:4 number with a leading zero: `017`",
        "3:1 duplicate key: `b`",
        "3:4 ambiguous time: `10:30`",
        "4:1 key is not text: `5`",
        "5:4 `[` is not closed, or a comma is missing",
    ]


@pytest.mark.usefixtures("parser")
def test_a_fault_under_an_anchor_is_told_once() -> None:
    assert faults_of("a: &x [yes]\nb: *x\nc: *x") == ["1:8 ambiguous word: `yes`"]


# --- Limits ---------------------------------------------------------------------------------------


def quickly(text: str | bytes) -> list[str]:
    began = time.perf_counter()
    found = faults_of(text)
    assert time.perf_counter() - began < 10
    return found


@pytest.mark.usefixtures("parser")
def test_billion_laughs() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert quickly("\n".join(lines)) == ["4:45 aliases expand to too many values: `*a2`"]


@pytest.mark.usefixtures("parser")
def test_aliases_within_the_limit() -> None:
    text = "a: &a [" + "x, " * 99 + "]\nb: [" + "*a, " * 99 + "]"
    assert sum(len(row) for row in load_text(text, "f.yaml").data["b"]) == 99 * 99


@pytest.mark.usefixtures("parser")
def test_depth() -> None:
    assert load_text("a: " + "[" * 49 + "]" * 49, "f.yaml").data
    assert quickly("a: " + "[" * 50 + "]" * 50) == ["1:53 nested too deeply"]
    assert quickly("a: " + "[" * 1_000_000) == ["1:53 nested too deeply"]
    assert quickly("a: " + "{a: " * 400_000) == ["1:200 nested too deeply"]
    assert quickly("- " * 900_000) == ["1:101 nested too deeply"]


@pytest.mark.usefixtures("parser")
def test_depth_counts_through_aliases() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 60)]
    assert faults_of("\n".join(lines)) == ["50:12 nested too deeply"]


def test_number_of_values() -> None:
    assert load_text("a: [" + "1," * 99_000 + "]", "f.yaml")
    assert quickly("a: [" + "1," * 900_000 + "]") == ["1:199999 too many values in one file"]


@pytest.mark.parametrize("text", ["a" * 2_000_001, b"a" * 2_000_001, "é" * 1_000_001])
def test_size_of_text(text: str | bytes) -> None:
    assert faults_of(text) == ["file is too large"]


def test_a_sparse_file_of_200_mb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    began = time.perf_counter()
    with pytest.raises(Faults, match="file is too large"):
        load(path)
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "1:" * 900_000 + "x",
        "a: " + "1_" * 900_000 + "x",
        ":" * 1_900_000,
        "a: '" + "x" * 1_900_000,
        "? " * 900_000,
    ],
    ids=["colons in a number", "underscores", "colons", "quote", "question marks"],
)
def test_nothing_is_slow(text: str) -> None:
    began = time.perf_counter()
    read(text)
    assert time.perf_counter() - began < 10


# --- Files ----------------------------------------------------------------------------------------


def file_fault(path: Path) -> Fault:
    with pytest.raises(Faults) as caught:
        load(path)
    (fault,) = caught.value.faults
    assert fault.file == str(path)
    return fault


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: 1\n")
    document = load(path)
    assert (document.path, document.data, document.raw) == (path, {"a": 1}, b"a: 1\n")


def test_a_missing_file_and_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").touch()
    fault = file_fault(tmp_path / "scenrio.yaml")
    assert (summary(fault), fault.hint) == ("file not found", f"did you mean `{tmp_path / 'scenario.yaml'}`?")
    assert file_fault(tmp_path / "scenario").hint == f"did you mean `{tmp_path / 'scenario.yaml'}`?"
    assert file_fault(tmp_path / "x.yaml").hint == ""
    assert file_fault(tmp_path / "none" / "x.yaml").message == "file not found"


def test_a_folder_names_its_files(tmp_path: Path) -> None:
    assert file_fault(tmp_path).hint == ""
    (tmp_path / "a.yaml").touch()
    fault = file_fault(tmp_path)
    assert (summary(fault), fault.hint) == ("is a directory", f"name a file in it: `{tmp_path / 'a.yaml'}`")


def test_neither_pipes_nor_devices_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert file_fault(tmp_path / "pipe").message == "not a regular file"
    assert file_fault(Path("/dev/zero")).message == "not a regular file"


def test_odd_paths(tmp_path: Path) -> None:
    assert file_fault(tmp_path / "a\0b").message == "not a possible file name"
    assert file_fault(tmp_path / ("x" * 300)).message == "file cannot be read (file name too long)"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "file cannot be read" in file_fault(tmp_path / "loop").message
    (tmp_path / "file").touch()
    assert "file cannot be read" in file_fault(tmp_path / "file" / "x.yaml").message


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    path.touch()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert file_fault(path).message == "no permission to read the file"


# --- Faults ---------------------------------------------------------------------------------------


def test_a_fault_is_shown_with_its_line() -> None:
    document = load_text("options:\n  - model: claude-haiku4.5\n", "s.yaml")
    fault = document.fault(
        ("options", 0, "model"),
        "unknown model",
        expected="a model of the catalogue",
        hint=did_you_mean("claude-haiku4.5", ["claude-opus-4.5", "claude-haiku-4.5"]),
    )
    assert Faults([fault]).render() == (
        "s.yaml:2:12: unknown model: `claude-haiku4.5`\n"
        "    2 |   - model: claude-haiku4.5\n"
        "      |            ^\n"
        "  expected: a model of the catalogue\n"
        "  hint: did you mean `claude-haiku-4.5`?\n"
        "\n"
        "found 1 error in `s.yaml`"
    )


def test_faults_are_sorted_counted_and_kept_once() -> None:
    a, b, c = Fault("a", 2, 1, "x"), Fault("a", 10, 1, "y"), Fault("b", 1, 1, "z")
    faults = Faults([c, b, a, a])
    assert faults.faults == (a, b, c)
    assert str(faults) == "a:2:1: x\n\na:10:1: y\n\nb:1:1: z\n\nfound 3 errors in 2 files"
    many = Faults(Fault("a", i, 1, "x") for i in range(1, 1235))
    assert str(many).endswith("found 1,234 errors in `a` (1,134 not shown)")


def test_colour_is_only_added() -> None:
    fault = only_fault("a: yes")
    colored = fault.render(color=True)
    for code in ("\x1b[1m", "\x1b[31m", "\x1b[36m", "\x1b[0m"):
        assert code in colored
        colored = colored.replace(code, "")
    assert colored == fault.render()


def test_where_a_fault_is_located() -> None:
    document = load_text("a:\n  b:\n    c: 0.50\n  d:\n", "f.yaml")

    def at(*path: str, key: bool = False) -> tuple[int, int, str]:
        fault = document.fault(path, "wrong", key=key)
        return fault.line, fault.col, fault.value

    assert at("a", "b", "c") == (3, 8, "0.50")
    assert at("a", "b", "c", key=True) == (3, 5, "")
    assert at("a", "b") == (3, 5, "")
    assert at("a", "b", "missing") == (2, 3, "")
    assert at("a", "b", "missing", "more", key=True) == (2, 3, "")
    assert at("missing") == (1, 1, "")
    assert at("a", "d") == (4, 5, "")
    assert document.where(("a", "b", "missing")) == "f.yaml:2"
    assert document.fault(("a", "b", "c"), "not `0.50`").value == ""
    assert document.fault(("a", "b", "c"), "wrong", value="half").value == "half"
    assert replace(document, data={}).fault(("a", "b", "c"), "wrong").value == ""


@pytest.mark.parametrize(
    ("line", "col", "shown", "before"),
    [
        ("a: yes", 4, "a: yes", 3),
        ("a: yes", 99, "a: yes", 6),
        ("\ta: yes", 2, "→   a: yes", 4),
        ("日本: yes", 5, "日本: yes", 6),
        ("e\u0301: yes", 5, "e\u0301: yes", 3),
        ("a\x1b[31m: 1", 8, "a\\x1b[31m: 1", 10),
        ("a\u202eb", 3, "a\\u202eb", 7),
        ("", 1, "", 0),
    ],
)
def test_the_caret_stands_under_the_column(line: str, col: int, shown: str, before: int) -> None:
    assert excerpt(line, col) == (shown, " " * before)


@pytest.mark.parametrize("letter", ["x", "日", "\t", "\x1b"])
@pytest.mark.parametrize("col", [1, 50, 99, 100, 101, 5_000, 99_990, 100_000])
def test_a_long_line_is_cut_around_the_caret(letter: str, col: int) -> None:
    line = letter * (col - 1) + "!" + letter * (100_000 - col)
    shown, before = excerpt(line, col)
    assert len(before) <= 62
    left = shown.partition("!")[0]
    assert sum(2 if c == "日" else 1 for c in left) == len(before)
    assert len(shown) <= 102
    width = {"x": 1, "日": 2, "\t": 4, "\x1b": 4}[letter]
    assert shown.startswith("…") == ((col - 1) * width > 60)
    assert shown.endswith("…") == ((100_000 - col) * width > 39)


def test_nothing_in_a_file_reaches_the_terminal_raw() -> None:
    text = Faults([Fault("a\x1bb", 1, 2, "odd\nmessage", "x\x1b", "y\x07", "z\x1b[0m\u202e", "v\x9b")]).render()
    assert all(c.isprintable() or c == "\n" for c in text)
    assert text.count("\n") == 6


@pytest.mark.parametrize(
    ("name", "choices", "found"),
    [
        ("claude-haiku4.5", ["claude-opus-4.5", "claude-haiku-4.5"], ["claude-haiku-4.5"]),
        ("Claude_Haiku_4.5", ["claude-haiku-4.5"], ["claude-haiku-4.5"]),
        ("haiku", ["claude-opus", "claude-haiku"], ["claude-haiku"]),
        ("anthropic/claude-haiku", ["claude-haiku", "gpt"], ["claude-haiku"]),
        ("replica", ["replicas", "region"], ["replicas"]),
        ("zzz", ["replicas", "region"], []),
        ("", ["replicas"], []),
        ("a", [], []),
        ("x" * 100_000, ["xxx"], ["xxx"]),
    ],
)
def test_nearest(name: str, choices: list[str], found: list[str]) -> None:
    assert nearest(name, choices) == found


def test_nearest_of_several_and_lists_of_names() -> None:
    assert nearest("haiku-4.5", ["haiku-3.5", "haiku-4.5-x", "opus"], n=2) == ["haiku-4.5-x", "haiku-3.5"]
    assert one_of([]) == ""
    assert one_of(["a"]) == "`a`"
    assert one_of("abc") == "one of `a`, `b` or `c`"
    assert one_of(str(i) for i in range(13)) == ""


# --- Validation -----------------------------------------------------------------------------------


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


Share = Annotated[Fraction, PlainValidator(units.parse_share)]


def _weights(value: Any) -> list[Fraction]:
    return [units.parse_count(item) for item in value]


class Api(Model):
    kind: Literal["api"]
    model: str
    share: Share = Fraction(1)
    api: dict[str, int] = {}
    limit: int | Range | None = None


class Pool(Model):
    kind: Literal["self_hosted"]
    replicas: int = Field(ge=1)
    gpu: str = "h100"

    @model_validator(mode="after")
    def _known(self) -> Pool:
        if self.gpu == "both":
            raise units.UnitError(None, "one of `gpu` and `cpu`")
        if self.gpu == "plain":
            raise ValueError("gpu and cpu together")
        return self


class Range(Model):
    low: Decimal
    high: Decimal


class Scenario(Model):
    title: str = "t"
    options: dict[str, Annotated[Api | Pool, Field(discriminator="kind")]] = {}
    rate: Decimal | Range | None = None
    weights: Annotated[list[Fraction] | None, PlainValidator(_weights)] = None
    tier: Literal["flex", "batch"] = "flex"
    on_call: bool = False
    until: date | None = None
    names: list[str] = []
    reference: str = Field("", alias="ref")
    currency: str = Field("", validation_alias=AliasChoices("currency", "money"))
    steps: tuple[int, ...] = ()
    main: Pool | None = None


VALID = "options:\n  a: {kind: api, model: x, share: 70%}\nrate: {low: 1, high: 2.5}\nref: a\n"

API = "options:\n  a:\n    kind: api\n    model: x\n"

INVALID = [
    ("title: 4.50", "1:8 `title` is not text: `4.50`", "text", 'write `"4.50"`'),
    ("title: [a]", "1:8 `title` is a list", "text", ""),
    ("title:", "1:7 `title` has no value", "text", ""),
    ("on_call: maybe", "1:10 `on_call` is not `true` or `false`: `maybe`", "`true` or `false`", ""),
    ("until: soon", "1:8 `until` is not a date: `soon`", "a date, such as 2026-11-21", ""),
    ("names: a", "1:8 `names` is not a list: `a`", "a list (`- item` lines or `[a, b]`)", "write `[a]`"),
    ("names: [a, 5]", "1:12 item 2 of `names` is not text: `5`", "text", 'write `"5"`'),
    (
        "steps: [1, 1e5]",
        "1:12 item 2 of `steps` is not a whole number: `1e5`",
        "a whole number, such as 4",
        "write `100k`",
    ),
    (
        "steps: [1, 2.5]",
        "1:12 item 2 of `steps` is not a whole number: `2.5`",
        "a whole number, such as 4",
        "",
    ),
    (
        "tier: flx",
        "1:7 `tier` has an unknown value: `flx`",
        "one of `flex` or `batch`",
        "did you mean `flex`?",
    ),
    ("tier:", "1:6 `tier` has no value", "one of `flex` or `batch`", ""),
    ("reff: x", "1:1 unknown key: `reff`", "", "did you mean `ref`?"),
    ("reference: x", "1:1 unknown key: `reference`", "", "did you mean `ref`?"),
    ("mony: x", "1:1 unknown key: `mony`", "", "did you mean `money`?"),
    ("money: 5", "1:8 `money` is not text: `5`", "text", ""),
    ("options: []", "1:10 `options` is a list", "a mapping (`key: value` lines)", ""),
    ("options: {a: 5}", "1:14 `a` is not a mapping: `5`", "a mapping (`key: value` lines)", ""),
    ("options:\n  a:\n    model: x", "2:3 missing key: `kind`", "one of `api` or `self_hosted`", ""),
    (
        "options:\n  a:\n    kind: apy",
        "3:11 unknown `kind`: `apy`",
        "one of `api` or `self_hosted`",
        "did you mean `api`?",
    ),
    ("options:\n  a:\n    kind: api", "2:3 missing key: `model`", "", ""),
    (
        API + "    modle: x",
        "5:5 unknown key: `modle`",
        "one of `kind`, `model`, `share`, `api` or `limit`",
        "did you mean `model`?",
    ),
    (
        API + "    share: 70",
        "5:12 share above 1: `70`",
        "a share from 0 to 1, such as 70% or 0.7",
        "did you mean `70%`?",
    ),
    (API + "    limit: {low: 1, hi: 2, high: 3}", "5:21 unknown key: `hi`", "one of `low` or `high`", ""),
    (API + "    limit: x", "5:12 `limit` is not a whole number: `x`", "a whole number, such as 4, or a mapping", ""),
    (API + "    api: {model: x}", "5:18 `model` is not a whole number: `x`", "a whole number, such as 4", ""),
    ("options: {a: {kind: self_hosted, replicas: 0}}", "1:44 `replicas` is too small: `0`", "at least 1", ""),
    (
        "main: {kind: self_hosted, replicas: 1, gpu: both}",
        "1:7 `main` does not fit",
        "one of `gpu` and `cpu`",
        "",
    ),
    ("main: {kind: self_hosted, replicas: 1, gpu: plain}", "1:7 gpu and cpu together", "", ""),
    ("main: {kind: self_hosted}", "1:1 missing key: `replicas`", "", ""),
    ("rate: abc", "1:7 `rate` is not a number: `abc`", "a number, such as 0.5, or a mapping", ""),
    ("rate: [1]", "1:7 `rate` is a list", "a number, such as 0.5, or a mapping", ""),
    ("rate: {low: 1}", "1:1 missing key: `high`", "", ""),
    ("rate: {low: 1, high: x}", "1:22 `high` is not a number: `x`", "a number, such as 0.5", ""),
    ("weights: [1, 1e5, 2]", "1:14 scientific notation: `1e5`", "a number of 0 or more", "write `100k`"),
]


def faults_in(text: str, model: type[BaseModel] = Scenario) -> tuple[Fault, ...]:
    document = load_text(text, "f.yaml")
    with pytest.raises(Faults) as caught:
        validate(model, document.data, document)
    return caught.value.faults


def test_what_is_right_becomes_the_model() -> None:
    document = load_text(VALID, "f.yaml")
    scenario = validate(Scenario, document.data, document)
    assert scenario.rate == Range(low=Decimal(1), high=Decimal("2.5"))
    assert scenario.options["a"] == Api(kind="api", model="x", share=Fraction(7, 10))


@pytest.mark.parametrize(("text", "expected_summary", "expected", "hint"), INVALID)
def test_one_fault_of_a_model(text: str, expected_summary: str, expected: str, hint: str) -> None:
    (fault,) = faults_in(text)
    assert summary(fault) == expected_summary
    assert fault.expected.startswith(expected)
    assert fault.hint.startswith(hint)


def test_all_faults_of_a_model_at_once() -> None:
    together = "title: 5\noptions:\n  a: {kind: api, modl: x}\n  b: {kind: x}\ntier: x\n"
    assert [summary(fault) for fault in faults_in(together)] == [
        "1:8 `title` is not text: `5`",
        "3:3 missing key: `model`",
        "3:18 unknown key: `modl`",
        "4:13 unknown `kind`: `x`",
        "5:7 `tier` has an unknown value: `x`",
    ]


def test_a_part_of_a_document_is_located_in_the_whole() -> None:
    document = load_text("x: 1\npart:\n  kind: self_hosted\n  replicas: none\n", "f.yaml")
    with pytest.raises(Faults) as caught:
        validate(Pool, document.data["part"], document, at=("part",))
    assert summary(caught.value.faults[0]) == "4:13 `replicas` is not a whole number: `none`"
    with pytest.raises(Faults) as caught:
        validate(Pool, {"kind": "self_hosted", "replicas": 1, "gpu": "both"}, document, at=("part",))
    assert summary(caught.value.faults[0]) == "3:3 `part` does not fit"


def test_a_top_level_that_does_not_fit() -> None:
    class Top(BaseModel):
        a: int

        @model_validator(mode="after")
        def _never(self) -> Top:
            raise units.UnitError(None, "another one")

    (fault,) = faults_in("a: 1", Top)
    assert (summary(fault), fault.expected) == ("1:1 the top level does not fit", "another one")


def test_importing_documents_imports_nothing_heavy() -> None:
    code = "import sys, tco.document; print({'numpy', 'pydantic', 'rich', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- Anything at all ------------------------------------------------------------------------------


def check_any(text: str | bytes) -> None:
    """A Document whose every value has a mark inside the file, or Faults whose every place is inside it."""
    document = read(text)
    if isinstance(document, Faults):
        assert document.faults
        assert all(c.isprintable() or c == "\n" for c in document.render())
        for fault in document.faults:
            assert fault.message
            assert fault.line >= 0
            assert fault.col <= len(fault.source_line) + 2
        return
    assert isinstance(document.data, dict)
    assert {path for path, _ in walk(document.data)} == set(document.marks)
    for _, value in walk(document.data):
        assert type(value) in (dict, list, str, int, Decimal, bool, type(None))
    for line, col in [*document.marks.values(), *document.key_marks.values()]:
        assert 1 <= line <= len(document.lines)
        assert 1 <= col <= len(document.lines[line - 1]) + 1


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in items:
        yield from walk(child, (*path, step))


YAMLISH = st.text(alphabet="ab1:-?[]{},&*!|>'\"%@`#~.\\ \n\t\r_0xeyno=<", max_size=60)


@given(st.text(max_size=200) | YAMLISH)
@settings(max_examples=300)
@example("a: \ud800")
@example("? ")
@example("? ;")
@example("a: |9")
@example("---\n---")
def test_any_text_is_read_or_refused(text: str) -> None:
    check_any(text)
    check_any(f"a:\n  b: {text}")


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b"a: \xc3")
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    check_any(raw)
    check_any(b"a: " + raw)


@given(
    st.integers(0, len(SAMPLE)),
    st.integers(0, 8),
    YAMLISH.filter(lambda text: len(text) < 12)
    | st.sampled_from(["yes", "<<: *all", "\t", "]", "10:30", "\x00", "&all"]),
)
@settings(max_examples=300)
def test_any_change_of_a_scenario_is_read_or_refused(at: int, drop: int, put: str) -> None:
    check_any(SAMPLE[:at] + put + SAMPLE[at + drop :])


@given(YAMLISH | st.text(max_size=60))
@settings(max_examples=200)
def test_the_two_parsers_agree_on_what_is_yaml(text: str) -> None:
    results = []
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compose, "PARSER", loader)
            results.append(read(f"a: {text}"))
    one, other = results
    if isinstance(one, Document) and isinstance(other, Document):
        assert one.data == other.data


JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefg", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcdefg", min_size=1, max_size=5), JSONISH, min_size=1, max_size=4))
def test_what_yaml_writers_write_reads_back(data: dict[str, Any]) -> None:
    dumped = yaml.safe_dump(data, allow_unicode=True)
    assert load_text(dumped, "f.yaml").data == data


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=6))
def test_decimals_are_exact(number: Decimal) -> None:
    assert load_text(f"a: {number:f}", "f.yaml").data["a"] == number
