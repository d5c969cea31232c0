"""Which price applies to which token of a request: a part of a meter, or its container.

As two independent price libraries apply it: a meter with a price of its own is taken out of its container, one without
pays the container's. Which calls pay long-context prices is decided in `tco.options.usage.portions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tco.catalog.meters import METERS, Meter, meter, parts_of
from tco.quantity import Number

if TYPE_CHECKING:
    from tco.catalog.prices import MeterPrices

SLIVER = 2.0**-40
"""What is left of a container is nothing when it is less than this part of it: 1000x the rounding of its parts."""


class ChargeFault(ValueError):
    """A usage that no price fits."""


class OwnPrices:
    """Prices per 1M tokens without a catalogue entry: one tier, the same for requests of any length."""

    long_context = None

    def __init__(self, amounts: Mapping[str, Fraction]) -> None:
        self.amounts = amounts

    def of(self, key: str) -> Fraction | None:
        """The price per 1M of a meter, None when it has none of its own."""
        return self.amounts.get(key)


class Charge(NamedTuple):
    """Tokens of one request that pay one price per 1M."""

    meter: Meter
    tokens: Number
    price: Fraction
    unpriced: tuple[Meter, ...]
    """Meters inside this one that have no price of their own and pay this one's."""
    taken: tuple[Meter, ...] = ()
    """Meters inside this one that have one, taken out of its tokens."""


def charges(prices: MeterPrices | OwnPrices, usage: Mapping[str, Number]) -> list[Charge]:
    """The charges of one request. `usage` counts tokens by meter, parts inside their containers.

    Raises `ChargeFault` for an outermost meter without a price, and for parts larger than their container.
    """
    result: list[Charge] = []
    for outer in parts_of(None):
        if outer.key in usage and np.any(np.asarray(usage[outer.key]) != 0):
            result += _within(prices, usage, outer)
    return [c for c in result if np.any(np.asarray(c.tokens) != 0)]


def _within(prices: MeterPrices | OwnPrices, usage: Mapping[str, Number], container: Meter) -> list[Charge]:
    price = prices.of(container.key)
    if price is None:
        raise ChargeFault(f"no price for {container.label} (`{container.price_key}`)")
    rest, result, taken = usage[container.key], [], []
    for part in _priced_parts(prices, container):
        if part.key not in usage:
            continue
        inner = _within(prices, usage, part)
        rest = rest - usage[part.key]
        taken.append(part)
        result += inner
    unpriced = [
        m for m in METERS if m is not container and m.key in usage and m not in taken and _pays(prices, m) is container
    ]
    rest = without_sliver(rest, usage[container.key])
    if np.any(np.asarray(rest) < 0):
        parts = " + ".join(f"{p.key} ({_shown(usage[p.key])})" for p in taken)
        raise ChargeFault(f"{parts} exceeds {container.key} ({_shown(usage[container.key])})")
    return [Charge(container, rest, price, tuple(unpriced), tuple(taken)), *result]


def without_sliver(rest: Number, whole: Number) -> Number:
    """Parts that fill their container leave nothing; in floats they may leave a rounding, of either sign."""
    return np.where(np.abs(rest) <= SLIVER * whole, 0.0, rest) if isinstance(whole, np.ndarray) else rest


def _priced_parts(prices: MeterPrices | OwnPrices, container: Meter) -> list[Meter]:
    """The nearest meters inside this one that have a price of their own."""
    found: list[Meter] = []
    for part in parts_of(container.key):
        if prices.of(part.key) is not None:
            found.append(part)
        else:
            found += _priced_parts(prices, part)
    return found


def _pays(prices: MeterPrices | OwnPrices, part: Meter) -> Meter:
    """The meter whose price this one pays."""
    while prices.of(part.key) is None and part.inside is not None:
        part = meter(part.inside)
    return part


def _shown(tokens: Number) -> str:
    return f"{float(np.max(np.asarray(tokens, dtype=float))):g}"
