"""Replicas turned into what must be bought for them: instances of eight GPUs, units in tens."""

from __future__ import annotations

import numpy as np

from tco.lineitem import Figure
from tco.options.base import Context
from tco.quantity import Highest, Number, Quantity, Steps, linear


class Lots:
    """Lots for replicas: rounded up, and at least so many where any replica runs."""

    def __init__(self, per_replica: Figure, lot: Figure, least: Figure | None, context: Context) -> None:
        n = context.n
        self.per_replica, self.lot, self.single = n(per_replica), n(lot), lot.value == 1
        self.zero = n(0)
        self.least: Number | None = None if least is None else np.ceil(n(least) / n(lot))

    def __call__(self, replicas: Quantity) -> Quantity:
        """The lots of so many replicas."""
        needed = replicas.times(self.per_replica)
        lots: Quantity = needed if self.single else Steps(needed, self.lot)
        if self.least is None:
            return lots
        any_runs = Steps(replicas, 1, most=1)
        return Highest((lots, linear(self.zero, (self.least, any_runs))))

    def count(self, replicas: Number) -> Number:
        """The lots of a known number of replicas, for themselves: whether they make up the least is not asked."""
        return np.ceil(replicas * self.per_replica / self.lot)


def in_lots(per_replica: Figure, lot: Figure, context: Context, least: Figure | None = None) -> Lots:
    """What must be bought for replicas of so many GPUs (or units), sold `lot` at a time and `least` in all."""
    return Lots(per_replica, lot, least, context)
