"""The one table of billable things. Price keys, request-class keys, the schema, ledger lines and exports read it.

A meter that lies inside another (cached reads are part of the input) is taken out of its container when it has a
price of its own; what has none pays the container's.
"""

from __future__ import annotations

from typing import NamedTuple


class Meter(NamedTuple):
    """One billable thing, counted per request and priced per 1M tokens.

    `source` says who knows the count: "class" (the request class states it), "cache" (from the cacheable prefix and
    the option's hit rate) or "option" (the option adds it: hidden reasoning).
    """

    key: str
    label: str
    inside: str | None
    source: str

    @property
    def price_key(self) -> str:
        """The name of this meter's price in a catalogue."""
        return f"{self.key}_per_mtok"

    @property
    def count_key(self) -> str:
        """The name of this meter's count in a request class."""
        return f"{self.key}_tokens"


METERS: list[Meter] = [
    Meter("input", "input tokens", None, "class"),
    Meter("output", "output tokens", None, "class"),
    Meter("cache_read", "cached input read", "input", "cache"),
    Meter("cache_write_5m", "cached input written (5 minutes)", "input", "cache"),
    Meter("cache_write_1h", "cached input written (1 hour)", "input", "cache"),
    Meter("audio_input", "audio input tokens", "input", "class"),
    Meter("image_input", "image input tokens", "input", "class"),
    Meter("audio_output", "audio output tokens", "output", "class"),
    Meter("reasoning", "reasoning tokens", "output", "option"),
]


def meter(key: str) -> Meter:
    """The row of this key; KeyError when there is none."""
    return next(m for m in METERS if m.key == key)


def parts_of(key: str | None) -> list[Meter]:
    """The meters directly inside this one (None: the outermost)."""
    return [m for m in METERS if m.inside == key]


def root(key: str) -> str:
    """The key of the outermost meter that this one lies in: its own where it lies in none."""
    inside = meter(key).inside
    return key if inside is None else root(inside)
