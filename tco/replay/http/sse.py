"""Server-sent events out of the bytes of a stream, wherever these are cut.

The rules are those of the HTML standard, "Interpreting an event stream": lines end with LF, CR LF or CR; an empty line
ends an event; a line that begins with a colon is a comment; several `data` lines are one payload, joined by LF; an
event whose empty line never comes, or that has no data, is none. Fields other than `data` are left out.
"""

from __future__ import annotations

LONGEST = 8 * 1024 * 1024
"""Bytes of one event. A chunk of an answer has some hundred."""
_BOM = b"\xef\xbb\xbf"
_FIELD = b"data: "


class TooLong(ValueError):
    """An event that does not end."""


class Events:
    """Takes the bytes of one stream and gives the payloads of the events that they complete."""

    __slots__ = ("_after_cr", "_begun", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that these bytes complete, in order. Raises `TooLong`."""
        if b"\r" in data or self._after_cr:
            data = self._lines_with_lf(data)
        if self._rest:
            data = self._rest + data
        if not self._begun:
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._rest = data
                return []
            self._begun = True
            data = data.removeprefix(_BOM)
        blocks = data.split(b"\n\n")
        self._rest = blocks.pop()
        if len(self._rest) > LONGEST:
            raise TooLong(f"an event of more than {LONGEST} bytes")
        found: list[bytes] = []
        for block in blocks:
            plain = block.startswith(_FIELD) and b"\n" not in block  # as every event of vLLM is
            payload = block[len(_FIELD) :] if plain else _payload(block)
            if payload:
                found.append(payload)
        return found

    def _lines_with_lf(self, data: bytes) -> bytes:
        """CR LF and CR as LF, also where CR and LF come in different reads."""
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _payload(block: bytes) -> bytes:
    """The `data` of the lines of an event; empty where it has none, as a comment has not."""
    found: list[bytes] = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            found.append(value.removeprefix(b" "))
    return b"\n".join(found)
