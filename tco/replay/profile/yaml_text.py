"""Mappings of plain values as YAML that every reader reads alike, one value a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from ipaddress import ip_address
from textwrap import wrap
from typing import TypeAlias

Value: TypeAlias = "str | int | Decimal | Mapping[str, Value] | Sequence[Value] | None"
"""None is left out."""

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ._/+,()=%-]*[A-Za-z0-9)%])?")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_PERCENT = re.compile(r"\d+(?:\.\d+)?%")
_PATH = re.compile(r"(?<![\w:/.~\\-])(?:~?/|\.{1,2}/|[A-Za-z]:[\\/])[^\s'\",;]*")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\",;]+", re.IGNORECASE)
_PERHAPS_IP = re.compile(
    r"\[?(?<![\w.:])([0-9a-f.:]*[.:][0-9a-f.:]*[0-9a-f:])(?:%\w+)?\]?(?::\d+)?(?![\w.])", re.IGNORECASE
)
_SECRET = re.compile(
    r"(?P<flag>--?(?:[\w-]*api[-_]?key|[\w-]*(?:secret|password)[\w-]*|hf[-_]token|token|host|uds|ssl[\w-]*))"
    r"(?:(?P<joint>[\s=]+)(?P<value>\S+))?",
    re.IGNORECASE,
)


def block(values: Mapping[str, Value], indent: str = "") -> Iterator[str]:
    """Lines of a mapping in block style."""
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            if _is_range(value):
                inner = ", ".join(f"{k}: {_number(v)}" for k, v in value.items())
                yield f"{indent}{key}: {{{inner}}}"
            else:
                yield f"{indent}{key}:"
                yield from block(value, indent + "  ")
        elif isinstance(value, str):
            yield from _text(f"{indent}{key}:", value, indent + "  ")
        elif isinstance(value, Sequence):
            if all(isinstance(item, int) for item in value):
                yield f"{indent}{key}: [{', '.join(map(str, value))}]"
            else:
                yield f"{indent}{key}:"
                for item in value:
                    yield from _text(f"{indent}  -", str(item), indent + "    ")
        else:
            yield f"{indent}{key}: {_number(value)}"


def _is_range(value: Mapping[str, Value]) -> bool:
    return set(value) <= {"low", "mode", "high"}


def _number(value: Value) -> str:
    """In full, without an exponent or zeros at the end."""
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(head: str, text: str, indent: str) -> Iterator[str]:
    line = one_line(text)
    if _DATE.fullmatch(line) or _PERCENT.fullmatch(line):
        yield f"{head} {line}"
    elif len(head) + len(line) > WIDTH and " " in line:
        yield f"{head} >-"
        yield from (indent + part for part in wrap(line, WIDTH - len(indent), break_long_words=False,
                                                   break_on_hyphens=False))  # fmt: skip
    elif _PLAIN.fullmatch(line) and line.lower() not in _WORDS:
        yield f"{head} {line}"
    else:
        yield f"{head} {json.dumps(line, ensure_ascii=False)}"


def one_line(text: str) -> str:
    """Single spaces between words; what does not print is U+FFFD."""
    return " ".join("".join(c if c.isprintable() else "\ufffd" for c in word) for word in text.split())


def placeless(text: str) -> str:
    """Without addresses, and of paths only the last part: a catalogue is passed around."""
    text = _PERHAPS_IP.sub(_no_address, _URL.sub("(address)", text))
    return _PATH.sub(lambda found: _last(found[0]), text)


def flags(given: Sequence[str]) -> list[str]:
    """How a server was started: without addresses and paths, and without the value of what is a secret or a host."""
    shown: list[str] = []
    hide = False
    for flag in (text for text in given if text.strip()):
        if hide and not flag.startswith("-"):
            shown.append("(hidden)")
        else:
            shown.append(
                placeless(_SECRET.sub(lambda f: f["flag"] + (f["joint"] + "(hidden)" if f["value"] else ""), flag))
            )
        found = _SECRET.fullmatch(flag)
        hide = found is not None and found["value"] is None
    return shown


def _no_address(found: re.Match[str]) -> str:
    text = found[1]
    if text.count(":") == 1:
        text, _, _ = text.partition(":")
    try:
        ip_address(text)
    except ValueError:
        return found[0]
    return "(address)"


def _last(path: str) -> str:
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1] or "(path)"
