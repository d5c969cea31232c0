"""The lines of a journal, as they are in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tco.document import Fault, Faults
from tco.replay.outcome import Outcome

VERSION = 1


class Line(msgspec.Struct, tag_field="kind", omit_defaults=True):
    """Any line."""


class Header(Line, tag="header"):
    """The first."""

    tco_journal: int
    about: dict[str, Any]


class Run(Line, tag="run"):
    """A run begins, or goes on."""

    run: int
    about: dict[str, Any]


class Request(Line, tag="request"):
    """An outcome, by shorter names. What is None is left out."""

    run: int
    index: int
    due: int
    sent: int | None = None
    first: int | None = None
    last: int | None = None
    end: int | None = None
    gaps: tuple[int, ...] = ()
    input: int | None = None
    output: int | None = None
    cached: int | None = None
    status: str = "ok"
    http: int | None = None
    detail: str | None = None

    def outcome(self) -> Outcome:
        """As it was when it was written."""
        return Outcome(
            self.index, self.due, self.sent, self.first, self.last, self.end, self.gaps,
            self.input, self.output, self.cached, self.status, self.http, self.detail,
        )  # fmt: skip


class Note(Line, tag="note"):
    """Something happened; `run` is 0 outside of any."""

    run: int
    note: str
    about: dict[str, Any]


class End(Line, tag="end"):
    """A run ended, or more is said of its end."""

    run: int
    about: dict[str, Any]


BEGINNING = b'{"kind":"header","tco_journal":'
encode: Callable[[Line], bytes] = msgspec.json.Encoder().encode
decode: Callable[[bytes], Line] = msgspec.json.Decoder(Header | Run | Request | Note | End).decode


def header_of(path: Path, text: bytes) -> dict[str, Any]:
    """What the first line says. Raises Faults where it is no journal's."""

    def fault(message: str, value: str = "") -> Faults:
        expected = f"a journal of `tco replay`, which begins with `{BEGINNING.decode()}`"
        return Faults([Fault(str(path), 1, 1, message, expected, value=value)])

    if not text:
        raise fault("this file is empty")
    try:
        line = decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if BEGINNING.startswith(text[: len(BEGINNING)]) and not text.endswith(b"\n"):
            raise fault("its first line is cut, so nothing was recorded") from None
        raise fault("this is no journal") from None  # what stands there may be a row of a log: it is not shown
    if not isinstance(line, Header):
        raise fault("this is no journal")
    if line.tco_journal != VERSION:
        raise fault("this journal is of a version that is not known here", str(line.tco_journal))
    return line.about
