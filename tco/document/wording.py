"""Wording: what an error of pydantic says to a person who wrote YAML, and what would have been right."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from tco.document.document import DataPath, scalar_text
from tco.document.faults import did_you_mean, one_of
from tco.document.place import Place, tags
from tco.numerals import scientific_hint


class Words(NamedTuple):
    """The parts of a fault; `steps` lead on from the error's place, `value` is as in `Document.fault`."""

    message: str
    expected: str = ""
    hint: str = ""
    steps: DataPath = ()
    key: bool = False
    value: str | None = None


_WHOLE = "a whole number, such as 4"
_NUMBER = "a number, such as 0.5"
_TEXT = "text"
_LIST = "a list (`- item` lines or `[a, b]`)"
_MAPPING = "a mapping (`key: value` lines)"
_DATE = "a date, such as 2026-11-21"

_NEEDED = {
    "int": _WHOLE, "float": _NUMBER, "decimal": _NUMBER, "finite": _NUMBER, "string": _TEXT,
    "bool": "`true` or `false`", "list": _LIST, "tuple": _LIST, "set": _LIST, "frozen": _LIST,
    "dict": _MAPPING, "mapping": _MAPPING, "model": _MAPPING, "dataclass": _MAPPING,
    "date": _DATE, "datetime": "a date and time, such as 2026-11-21T10:30:00",
    "url": "a URL, such as https://example.com", "none": "nothing",
}  # fmt: skip
"""What is needed, by the first word of pydantic's error type, for types that end as `_OF_KIND` says."""

_OF_KIND = re.compile(
    r"_(?:(?:class_|attributes_|instance_|exact_|set_)?type|(?:from_date_|from_datetime_)?parsing|parsing_size"
    r"|from_float|from_datetime_inexact|number|required|unicode)"
)
_LIMITS = {
    "greater_than": ("too small", "more than {gt}"),
    "greater_than_equal": ("too small", "at least {ge}"),
    "less_than": ("too large", "less than {lt}"),
    "less_than_equal": ("too large", "at most {le}"),
    "multiple_of": ("does not fit", "a multiple of {multiple_of}"),
    "too_short": ("too short", "at least {min_length} items"),
    "too_long": ("too long", "at most {max_length} items"),
    "string_too_short": ("too short", "at least {min_length} characters"),
    "string_too_long": ("too long", "at most {max_length} characters"),
    "string_pattern_mismatch": ("does not have the right form", "text that matches `{pattern}`"),
}


def wording(detail: ErrorDetails, place: Place) -> Words:
    """The words for one error at its place."""
    words = _words(detail, place)
    return words._replace(expected=place.expected) if place.expected else words


def _words(detail: ErrorDetails, place: Place) -> Words:
    kind = detail["type"]
    context: dict[str, Any] = detail.get("ctx", {})
    name = _name(place.path)
    last = str(place.path[-1]) if place.path else ""
    if kind == "missing":
        return Words(f"missing key: `{last}`", value="")
    if kind == "extra_forbidden":
        if re.match(r"\d{3}(?!\d)", last):  # the tail of `$8,000` within braces
            hint = 'within { } a comma ends the value: write it in quotes, such as "$8,000/month"'
            return Words(f"unknown key: `{last}`", one_of(place.names), hint, key=True)
        return Words(f"unknown key: `{last}`", one_of(place.names), did_you_mean(last, place.names), key=True)
    if kind in ("value_error", "assertion_error") and "error" in context:
        return _own(context["error"], name, place.value)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _tag(context, name, place)
    if kind in ("literal_error", "enum"):
        return _choice(str(context.get("expected", "")), name, place.value)
    if kind in _LIMITS:
        problem, expected = _LIMITS[kind]
        limits = {key: scalar_text(limit) or limit for key, limit in context.items()}
        return Words(f"{name} {_is(problem)}", expected.format_map(limits))
    first = kind.split("_", 1)[0]
    if first in _NEEDED and _OF_KIND.fullmatch(kind, len(first)):
        return _kind(_NEEDED[first], name, place.value)
    message = str(detail["msg"])
    needed = re.fullmatch(r"Input should be (.+)", message)
    if needed:
        return Words(f"{name} does not fit", needed[1])
    return Words(f"{message[:1].lower()}{message[1:]}")


def _own(error: Any, name: str, value: Any) -> Words:
    """An error raised by a validator of this project: its own words, and the fields of a UnitError."""
    expected, hint = getattr(error, "expected", ""), getattr(error, "hint", "")
    message = getattr(error, "message", str(error)) or f"{name} does not fit"
    offending = str(getattr(error, "value", ""))
    # The one item of a list that was refused can be pointed at, though the validator saw the list as a whole.
    if offending and isinstance(value, list):
        items = [i for i, item in enumerate(value) if scalar_text(item) == offending.strip()]
        if items:
            return Words(message, expected, hint, (items[0],))
    if value is None or isinstance(value, dict | list):
        return Words(message, expected, hint, value="")
    return Words(message, expected, hint)


def _tag(context: dict[str, Any], name: str, place: Place) -> Words:
    """A mapping whose kind decides what else it has, and the kind is missing or unknown."""
    key = str(context.get("discriminator", "")).strip("'")
    known = tags(place.kind, key)
    if not isinstance(place.value, dict) or key not in place.value:
        message = f"missing key: `{key}`" if key.isidentifier() else f"{name} does not fit"
        return Words(message, one_of(known), steps=(key,), value="")
    tag = scalar_text(place.value[key])
    return Words(f"unknown `{key}`", one_of(known), did_you_mean(tag, known), (key,))


def _choice(expected: str, name: str, value: Any) -> Words:
    choices = re.findall(r"'([^']*)'", expected)
    if not choices:
        return Words(f"{name} does not fit", expected)
    text = scalar_text(value)
    message = f"{name} has an unknown value" if text else f"{name} has no value"
    return Words(message, one_of(choices), did_you_mean(text, choices))


def _kind(needed: str, name: str, value: Any) -> Words:
    """The value is of the wrong kind; says which it is where that cannot be seen in the value itself."""
    if value is None:
        return Words(f"{name} has no value", needed)
    if isinstance(value, dict | list):
        return Words(f"{name} is a {'mapping' if isinstance(value, dict) else 'list'}", needed)
    text = scalar_text(value)
    hint = ""
    if needed == _TEXT and isinstance(value, int | Decimal):
        hint = f'write `"{text}"`'
    elif needed in (_WHOLE, _NUMBER) and isinstance(value, str):
        hint = scientific_hint(value)
    elif needed == _LIST and len(text) <= 30:
        hint = f"write `[{text}]`"
    short = re.split(r",| \(", needed, maxsplit=1)[0]
    return Words(f"{name} is not {short}", needed, hint)


def _is(problem: str) -> str:
    return problem if problem.startswith("does") else f"is {problem}"


def _name(path: DataPath) -> str:
    """How a message speaks of a place: the key, or the item of a key's list."""
    if not path:
        return "the top level"
    last = path[-1]
    if isinstance(last, str):
        return f"`{last}`"
    parent = next((step for step in reversed(path) if isinstance(step, str)), "")
    return f"item {last + 1} of `{parent}`" if parent else f"item {last + 1}"
