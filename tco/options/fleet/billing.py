"""Which hours of a fleet are billed: those that run, those reserved, those that a start takes, and staging."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tco.lineitem import Figure
from tco.options.base import At, Context, constant
from tco.options.fleet.lots import Lots
from tco.options.fleet.sizing import SECONDS_PER_HOUR, Sized, wake_up_figures
from tco.quantity import Number, Part, Quantity, linear


class Hours(NamedTuple):
    """Hours a month of what is bought, by what they are for, with the figures of each beside the fleet's own."""

    running: Quantity
    """Those of the load, above what is reserved."""
    reserved: Quantity | None
    starts: Quantity | None
    """Cold starts, and time-outs before a replica stops."""
    staging: Quantity | None
    above: tuple[Figure, ...]
    """What is taken out of the running hours."""
    of_starts: tuple[Figure, ...]

    def times(self, factor: Number) -> Hours:
        """Each of them scaled."""

        def scaled(q: Quantity | None) -> Quantity | None:
            return None if q is None else q.times(factor)

        return self._replace(
            running=self.running.times(factor),
            reserved=scaled(self.reserved),
            starts=scaled(self.starts),
            staging=scaled(self.staging),
        )


def billed(sized: Sized, lots: Lots, at: At, context: Context) -> Hours:
    """The hours a month of what is bought for a fleet."""
    n, spec = context.n, at.spec
    month = n(sized.hours)
    staging = None
    if spec.staging:
        staging = constant().times(month * lots.count(n(at.figure("staging", "replicas"))))
    if sized.work is not None:
        each = lots.count(n(1))
        seconds = sum((n(f) for f in wake_up_figures(at)), n(0))
        starts = constant().times(sized.starts * seconds / SECONDS_PER_HOUR * each)
        of_starts = (at.figure("wake_ups_per_day", "wake-ups/day"), *wake_up_figures(at))
        return Hours(sized.work.times(each), None, starts, staging, (), of_starts)
    zones = n(at.figure("zones", "zones"))
    running = sized.month.turned(lots)
    reserved: Quantity | None = None
    above: tuple[Figure, ...] = ()
    if spec.reserved is not None:
        base = reserved_replicas(at)
        least = lots.count(n(base))
        running = [Part(q, least) for q in running]
        reserved = constant().times(zones * month * least)
        above = (base,)
    starting: Quantity | None = None
    if spec.cold_start is not None:
        each = n(at.figure("cold_start", "s")) / SECONDS_PER_HOUR
        starting = linear(0, (zones * each, sized.month.started(running)))
    of_starts = tuple(f for f in wake_up_figures(at))
    if spec.windows_per_month is not None:
        of_starts = (*of_starts, at.figure("windows_per_month", "windows/month"))
    return Hours(linear(0, (zones, sized.month.hours(running))), reserved, starting, staging, above, of_starts)


def reserved_replicas(at: At) -> Figure:
    """The replicas of the reserved base, in each zone."""
    return Figure("reserved.replicas", Fraction(at.spec.reserved.replicas), "replicas", at.home("reserved", "replicas"))


def at_peak(sized: Sized, lots: Lots, at: At, context: Context) -> Quantity:
    """Lots in the busiest hour: in all zones, what is reserved, and staging."""
    n, spec = context.n, at.spec
    peak = lots(sized.peak())
    if spec.reserved is not None:
        least = lots.count(n(reserved_replicas(at)))
        peak = linear(least, (n(1), Part(peak, least)))
    if spec.zones == 1 and not spec.staging:
        return peak
    staging = lots.count(n(at.figure("staging", "replicas"))) if spec.staging else n(0)
    return linear(staging, (n(at.figure("zones", "zones")), peak))
