"""Prefill and decode rates fitted to what one replica was found to sustain at two or more mixes.

w = input x a + output x b, with a and b the replica-seconds of an uncached input and of an output token. They make the
sum of ((fit - w) / w)^2 over the mixes least: each counts by its relative error, whatever its length. With
u = input / w and v = output / w every pair of mixes has its own solution of a u + b v = 1; the least squares are their
mean, each weighted by its determinant squared (Jacobi, 1841). Of two mixes that is the exact solution of both, and
unlike the normal equations it loses no digits in floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from tco.quantity import Number


class Mix(NamedTuple):
    """A mix that was measured: tokens of a request, and the replica-seconds it took."""

    given: Number
    """Uncached input."""
    made: Number
    seconds: Number


class Fit(NamedTuple):
    """Replica-seconds of one uncached input token and of one output token."""

    of_input: Number
    of_output: Number

    def seconds(self, given: Number, made: Number) -> Number:
        """Replica-seconds of a request."""
        return given * self.of_input + made * self.of_output

    def error(self, mix: Mix) -> Number:
        """How much longer than measured the fit takes for a mix, as a share of what was measured."""
        return self.seconds(mix.given, mix.made) / mix.seconds - 1


def fitted(mixes: Sequence[Mix]) -> Fit | None:
    """The fit of two or more mixes, scalars or arrays (draw,); None where, in any draw, all have one proportion of
    input to output and cannot tell prefill from decode."""
    scaled = [(mix.given / mix.seconds, mix.made / mix.seconds) for mix in mixes]
    weight: Number = 0
    of_input: Number = 0
    of_output: Number = 0
    for (u, v), (other_u, other_v) in combinations(scaled, 2):
        det = u * other_v - other_u * v
        weight = weight + det * det
        of_input = of_input + det * (other_v - v)
        of_output = of_output + det * (u - other_u)
    if np.any(np.asarray(weight) == 0):
        return None
    return Fit(of_input / weight, of_output / weight)
