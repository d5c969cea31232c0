"""Curves: the pieces of a quantity over a range of volume, where two of them swap order, and which is the lowest."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tco.curve.envelope import Band, bands
from tco.curve.pairs import Cell, Crossover, Crossovers, Pair, all_pairs, cells, exact, pair, swaps
from tco.curve.window import MOST_PIECES, Pieces, TooManyPieces, Window, pieces

if TYPE_CHECKING:
    from tco.curve.by_draw import SwapsByDraw, last_within, swaps_by_draw
    from tco.curve.sweeps import percentiles, sweep

__all__ = [
    "MOST_PIECES",
    "Band",
    "Cell",
    "Crossover",
    "Crossovers",
    "Pair",
    "Pieces",
    "SwapsByDraw",
    "TooManyPieces",
    "Window",
    "all_pairs",
    "bands",
    "cells",
    "exact",
    "last_within",
    "pair",
    "percentiles",
    "pieces",
    "swaps",
    "swaps_by_draw",
    "sweep",
]

_OF_DRAWS = {
    "SwapsByDraw": "by_draw",
    "last_within": "by_draw",
    "swaps_by_draw": "by_draw",
    "percentiles": "sweeps",
    "sweep": "sweeps",
}
"""Imported when first asked for: where nothing is a range, no draw is looked at."""


def __getattr__(name: str) -> Any:
    if name not in _OF_DRAWS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"tco.curve.{_OF_DRAWS[name]}"), name)
