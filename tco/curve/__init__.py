"""Curves: the pieces of a quantity over a range of volume, where two of them swap order, and which is the lowest."""

from tco.curve.envelope import Band, bands
from tco.curve.pairs import Cell, Crossover, Crossovers, Pair, all_pairs, cells, exact, pair, swaps
from tco.curve.window import MOST_PIECES, Pieces, TooManyPieces, Window, pieces

__all__ = [
    "MOST_PIECES",
    "Band",
    "Cell",
    "Crossover",
    "Crossovers",
    "Pair",
    "Pieces",
    "TooManyPieces",
    "Window",
    "all_pairs",
    "bands",
    "cells",
    "exact",
    "pair",
    "pieces",
    "swaps",
]
