"""Numerals: the number at the start of what a person typed, exact, and what follows it.

The reading half of `tco.units`; use that module. Pure: no I/O, no third-party import. The length of the input
is limited before anything is computed, so no input is slow.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

MAX_DIGITS = 40
"""Longest number read. No price or volume needs more; without a limit, 1e999999 would be a million digits."""

SCALES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
"""Magnitudes as they are printed, largest first."""

_MAX_TEXT = 120
_LIMIT: int = 10**MAX_DIGITS

_LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}
_WORDS = {
    "thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip

_NUMBER = re.compile(r"([0-9][0-9,_]*(?:\.[0-9]*)?|\.[0-9]+)\s*")
# A letter followed by other letters is a magnitude only before a unit that `tco.units` knows: `Mtok`, `kUSD`.
_LETTER = re.compile(r"([kKMBGT])(?=$|[\s/$€₹£]|(?i:tok|req|quer|call)|[A-Z]{3}(?![A-Za-z]))\s*")
_WORD = re.compile(rf"({'|'.join(_WORDS)})s?(?![a-z])\s*", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"\+?([0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})[eE]([-+]?)([0-9]+)(?!\w)")
# No group starts with 0: in `0,125` the comma can only have been meant as a decimal point.
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]{0,2}(?:_[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}")
_DECIMAL_COMMA = re.compile(r"(0,[0-9]+|[0-9]+,[0-9]{1,2})")


class UnitError(ValueError):
    """A value that cannot be read, or does not fit where it stands.

    `value` is the offending value as text (empty for None: the fault lies in no single value), `expected`
    says what would be right, with an example, `hint` what was probably meant or how to write it (empty when
    there is no good guess), and `message` what is wrong, in a few words without the value (may be empty).
    """

    def __init__(self, value: object, expected: str, hint: str = "", message: str = "") -> None:
        self.value = "" if value is None else shown(value)
        self.expected = expected
        self.hint = hint
        self.message = message
        what = ": ".join(part for part in (message, f"`{self.value}`" if self.value else "") if part)
        text = f"{what}: expected {expected}" if what else f"expected {expected}"
        super().__init__(f"{text} ({hint})" if hint else text)


def start(value: object, expected: str) -> tuple[str, Fraction | None]:
    """A value as clean text, or as a number where it already is one. Raises UnitError with `expected`."""
    if isinstance(value, str):
        if len(value) > _MAX_TEXT:
            raise UnitError(value, expected, message="text too long")
        text = " ".join(value.split())
        if not text:
            raise UnitError(value, expected, message="empty value")
        return text, None
    if value is None:
        raise UnitError(value, expected, message="empty value")
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction | float):
        raise UnitError(value, expected, message="not a number")
    if isinstance(value, int | Fraction):
        small = max(abs(value.numerator), value.denominator) < _LIMIT
    else:
        # The shortest decimal of a float is what its author typed: 0.7, not 0.69999999999999995559.
        value = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
        if not value.is_finite():
            raise UnitError(value, expected, message="not a finite number")
        # Decided by the exponent, before Fraction would build all the digits of Decimal("1e999999").
        small = value.is_zero() or (
            len(value.as_tuple().digits) <= MAX_DIGITS and -MAX_DIGITS <= value.adjusted() < MAX_DIGITS
        )
    if not small:
        raise UnitError(value, expected, message=f"number of more than {MAX_DIGITS} digits")
    if value < 0:
        raise UnitError(value, expected, message="negative number")
    return "", Fraction(value) if value else Fraction(0)


def starts_number(text: str) -> bool:
    """Whether `text` begins with a number or a bare magnitude, as in ``/1k requests`` and ``/M tokens``."""
    return bool(_NUMBER.match(text) or _LETTER.match(text) or _WORD.match(text))


def number(text: str, value: object, expected: str, *, magnitudes: bool = True) -> tuple[Fraction, str]:
    """The number at the start of `text` times its magnitude, and what follows. UnitError names `value`."""
    if text[:1] in ("-", "\u2212"):
        raise UnitError(value, expected, message="negative number")
    hint = scientific_hint(text)
    if hint:
        raise UnitError(value, expected, hint, "scientific notation")
    text = text.removeprefix("+")
    match = _NUMBER.match(text)
    if not match:
        raise UnitError(value, expected, message="not a number")
    amount = _digits(match[1], value, expected)
    if re.fullmatch(r"[1-9]\d{0,2}\.\d\d0", match[1]):  # nobody types a decimal's third place as 0: it is a thousand
        plain = match[1].replace(".", "")
        hint = f"write `{int(plain):,}` for thousands, `{match[1].rstrip('0').rstrip('.')}` for a decimal"
        raise UnitError(value, expected, hint, "a point that may group thousands")
    rest = text[match.end() :]
    scale = (_LETTER.match(rest) or _WORD.match(rest)) if magnitudes else None
    if scale:
        amount *= _LETTERS.get(scale[1]) or _WORDS[scale[1].lower()]
        rest = rest[scale.end() :]
    return amount, rest.strip()


def case_hint(text: str, rest: str) -> str:
    """The capital letter where a magnitude was written small: `33m` could be milli, minutes or millions."""
    if not re.match(r"[mbgt](?![A-Za-z])", rest):
        return ""
    return f"did you mean `{text.removesuffix(rest)}{rest[0].upper()}{rest[1:]}`?"


def scientific_hint(text: str) -> str:
    """What to write in place of scientific notation (``1e5``), or an empty string where `text` is none."""
    match = _SCIENTIFIC.match(text.strip().lstrip("$€₹£").lstrip())
    if not match:
        return ""
    digits, sign, exponent = match.groups()
    if len(exponent) > 2 or int(exponent) > 15:
        return "write the number out, such as `100k`"
    amount = Fraction(Decimal(digits)) * Fraction(10) ** int(f"{sign}{exponent}")
    scale, letter = next((s for s in SCALES if amount >= s[0]), (1, ""))
    return f"write `{written_out(amount / scale)}{letter}`"


def written_out(amount: Fraction) -> str:
    """A fraction in all its decimals, thousands grouped, no trailing zeros. Never returns for a third."""
    decimals = 0
    while amount.denominator != 1:
        amount, decimals = amount * 10, decimals + 1
    digits = str(abs(amount.numerator)).rjust(decimals + 1, "0")
    whole, rest = (digits[:-decimals], f".{digits[-decimals:]}") if decimals else (digits, "")
    return f"{'-' if amount < 0 else ''}{int(whole):,}{rest}"


def shown(value: object) -> str:
    """Any value as short text; never fails, however large the number."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | Fraction) and max(abs(value.numerator), value.denominator) >= _LIMIT:
        return f"a number of more than {MAX_DIGITS} digits"
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= MAX_DIGITS:
        value = f"{value:f}"
    plain = isinstance(value, str | int | float | Decimal | Fraction)
    text = str(value) if plain else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _digits(text: str, value: object, expected: str) -> Fraction:
    """The exact value of digits with thousands groups and a decimal point."""
    whole, _, decimals = text.partition(".")
    if len(whole) + len(decimals) > MAX_DIGITS:
        raise UnitError(value, expected, message=f"number of more than {MAX_DIGITS} digits")
    if "," in whole or "_" in whole:
        if not _GROUPED.fullmatch(whole):
            hint = f"did you mean `{text.replace(',', '.')}`?" if _DECIMAL_COMMA.fullmatch(text) else ""
            raise UnitError(value, expected, hint, "thousands separators in the wrong place")
        whole = whole.replace(",", "").replace("_", "")
    return Fraction(int(f"{whole}{decimals}"), 10 ** len(decimals))
