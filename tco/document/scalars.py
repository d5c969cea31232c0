"""Plain scalars: what an unquoted word of YAML means, and which are refused because tools disagree on them.

The readings are those on which YAML 1.1 and 1.2 agree. Where they differ (``no``, ``017``, ``10:30``) the
value is refused with both ways to write it, because whichever reading was taken, somebody meant the other.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

Scalar = str | int | Decimal | bool | None

MAX_NUMBER = 40
"""Characters of the longest number read."""


class Trap(NamedTuple):
    """Why a word is refused, and what to write instead."""

    message: str
    expected: str = ""
    hint: str = ""


_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_TRUTH_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}

_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)")
# What follows is for odd texts, and compiled when one is met. All have the form of `_NUMERAL`.
_NUMERAL = re.compile(r"[-+]?[0-9.][0-9A-Za-z_.:]*")
_GROUPED = r"[-+]?[1-9][0-9]{0,2}(?:_[0-9]{3})+(?:\.[0-9]*)?"
_UNDERSCORES = r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?"
_LEADING_ZERO = r"([-+]?)0+([0-9]+(?:\.[0-9]*)?)"
_BASE = r"[-+]?0(?:[xX][0-9a-fA-F][0-9a-fA-F_]*|[oO][0-7][0-7_]*|[bB][01][01_]*)"
_SEXAGESIMAL = r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
_NOT_FINITE = r"(?i:[-+]?\.inf|\.nan)"
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"


def plain(text: str) -> Scalar | Trap:
    """What an unquoted scalar means: text, int, exact Decimal, bool or None; or the trap it is."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-.":
        meant = _TRUTH_WORDS.get(text.lower()) if len(text) <= 3 else None
        if meant:
            hint = f'write `{meant}`, or `"{text}"` for text'
            return Trap("ambiguous word", "`true`, `false` or quoted text", hint)
        return text
    return _number(text)


def control_character(text: str) -> Trap | None:
    """The trap of a control character, put into quoted text by an escape; it could garble a terminal."""
    found = re.search(_CONTROL, text)
    return Trap("control character in text", f"text without U+{ord(found[0]):04X}") if found else None


def _number(text: str) -> Scalar | Trap:
    if not _NUMERAL.fullmatch(text):
        return text
    if _NUMBER.fullmatch(text) or re.fullmatch(_GROUPED, text):
        if len(text) > MAX_NUMBER:
            return Trap("number too long", f"a number of at most {MAX_NUMBER} characters")
        digits = text.replace("_", "")
        return Decimal(digits) if "." in digits else int(digits)
    if re.fullmatch(_BASE, text):
        value = f"`{int(text.replace('_', ''), 0)}`" if len(text) <= MAX_NUMBER else "it in decimal"
        hint = f'write {value}, or `"{text}"` for text'
        return Trap("number in another base", "a decimal number or quoted text", hint)
    zero = re.fullmatch(_LEADING_ZERO, text)
    if zero:
        return Trap(
            "number with a leading zero", "a decimal number or quoted text",
            f'some tools read it as octal; write `{zero[1]}{zero[2]}`, or `"{text}"` for text',
        )  # fmt: skip
    if "_" in text and re.fullmatch(_UNDERSCORES, text):
        return Trap("underscores in the wrong place", "groups of three digits, such as 1_000", _quoted(text))
    if re.fullmatch(_SEXAGESIMAL, text):
        return Trap("ambiguous time", "quoted text", f"some tools read it in base 60; {_quoted(text)}")
    if re.fullmatch(_NOT_FINITE, text):
        return Trap("not a finite number", "a finite number", f'write `"{text}"` for text')
    return text


def _quoted(text: str) -> str:
    return f'write `"{text}"` for text'
