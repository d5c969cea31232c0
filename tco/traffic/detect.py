"""Which format a log has, told by its column names or keys, never by its file name."""

from __future__ import annotations

import csv
import re

import msgspec

from tco.document import Faults, did_you_mean, nearest, one_of
from tco.document.excerpt import visible
from tco.traffic.formats import FORMATS
from tco.traffic.formats.base import Format, Head
from tco.traffic.stream import GZIP, LONGEST_LINE, Stream

_KEY = re.compile(r'"([A-Za-z_][\w.]{0,60})"\s*:')
_SHOWN = 8


def head_of(stream: Stream) -> Head:
    """The beginning of a log, taken apart. Raises `Faults` where it is empty or no text."""
    data = stream.head()
    if not data.strip():
        raise stream.fault("the file is empty" if not data else "nothing but blank lines", "a recorded trace")
    _check_text(data, stream)
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace").lstrip()
    if text[0] not in "{[":
        line = next(line for line in text.splitlines() if line.strip())
        try:
            columns = next(csv.reader([line]), [])
        except csv.Error:
            columns = [line]
        return Head(columns=tuple(name.strip() for name in columns))
    first = text.split("\n", 1)[0]
    try:
        row = msgspec.json.decode(first)
    except (msgspec.MsgspecError, RecursionError):
        row = None
        if text[0] == "{" and len(first) == len(text) and "\n" not in text:
            row = _long_row(stream)
    if isinstance(row, dict):
        return Head(keys=frozenset(row), row=row, document=_one_line(text, first))
    return Head(keys=frozenset(_KEY.findall(text)), document=True)


def _one_line(text: str, first: str) -> bool:
    return len(text.strip()) == len(first.strip())


def _long_row(stream: Stream) -> object:
    """The first row of a file whose first line is longer than what was looked at."""
    whole = stream.head(LONGEST_LINE).lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    try:
        return msgspec.json.decode(whole)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _check_text(data: bytes, stream: Stream) -> None:
    expected = "text in UTF-8: CSV or JSON"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise stream.fault("the file is UTF-16", expected, 1, 1)
    if data[:2] == GZIP:
        raise stream.fault("packed twice", "gzip once")
    at = data.find(b"\0")
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise stream.fault("a NUL byte: the file is binary", expected, line, at - data.rfind(b"\n", 0, at))


def chosen(head: Head, stream: Stream, name: str | None) -> Format:
    """The format of a log, or the one that was asked for. Raises `Faults` with what was seen where it is none."""
    if name is not None:
        found = next((f for f in FORMATS if f.name == name), None)
        if found is None:
            names = [f.name for f in FORMATS]
            raise stream.fault(f"no format `{visible(name)}`", one_of(names), hint=did_you_mean(name, names))
        return _fits(found, head, stream)
    for found in FORMATS:
        if found.looks(head):
            return found
    raise _unknown(head, stream)


def _fits(found: Format, head: Head, stream: Stream) -> Format:
    if not found.looks(head):
        seen = _seen(head)
        raise stream.fault(f"not {found.title}: {seen}", f"{_quoted(found.columns)}", 1, 1)
    return found


def _unknown(head: Head, stream: Stream) -> Faults:
    names = head.columns or tuple(sorted(head.keys))
    scores = {f: sum(bool(nearest(c, names)) for c in f.columns) / len(f.columns) for f in FORMATS}
    best = max(FORMATS, key=lambda f: scores[f])
    hint = f"the nearest is `{best.name}`, with {_quoted(best.columns)}" if scores[best] else ""
    return stream.fault(f"unknown format: {_seen(head)}", one_of(f.name for f in FORMATS), 1, 1, hint)


def _seen(head: Head) -> str:
    names = head.columns or tuple(sorted(head.keys))
    kind = "columns" if head.columns else "keys"
    shown = ", ".join(f"`{visible(n[:40])}`" for n in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{kind} {shown}{more}" if names else "no keys"


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{n}`" for n in names)
