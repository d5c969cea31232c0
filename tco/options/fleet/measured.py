"""What a reader should know of a capacity that `tco replay` measured: how well it is known, where it is predicted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from tco.catalog.store import Found
from tco.options.base import At, Context
from tco.units import UnitError, parse_seconds

if TYPE_CHECKING:
    from tco.catalog.measurement import Measurement
    from tco.catalog.profiles import CapacityProfile

SAME = Fraction(2, 100)
"""Tokens and hit rates that differ by no more are those of the measured mix: its means differ so from run to run."""
PROMISED_PERCENTILE = 95
"""Of requests, at least, that a promised first token is taken to hold for."""
_TTFT = re.compile(r"(?:^|,)\s*ttft_p(?P<percent>\d{1,2}(?:\.\d+)?)\s*=(?P<limit>[^,]+)")


def say_measured(at: At, found: Found, context: Context) -> None:
    """What was measured, and what makes it less sure for this option."""
    profile: CapacityProfile = found.spec
    taken: Measurement | None = profile.measured
    if taken is None:
        return
    notes = context.notes
    if profile.requests_per_s is not None:
        rate = f"{float(profile.requests_per_s):g} requests/s at {profile.objective}"
        notes.assume(at.name, f"a replica sustains {rate}: {found.name}, {profile.provenance}")
    if taken.method == "replay":
        notes.assume(at.name, f"{found.name} proves one rate that was tried: a replica may sustain more")
    if on_a_cpu(profile):
        notes.warn(at.name, f"{found.name} was measured on a CPU: it says nothing of a GPU", grave=True)
    _say_objective(at, found, context)


def on_a_cpu(profile: CapacityProfile) -> bool:
    """Whether no GPU was measured."""
    return re.match(r"cpu\b", profile.gpu, re.IGNORECASE) is not None


def in_a_closed_loop(profile: CapacityProfile) -> bool:
    """Whether it is what came out at a fixed number of requests in flight."""
    return profile.measured is not None and profile.measured.method == "closed loop"


def _say_objective(at: At, found: Found, context: Context) -> None:
    """A first token that is promised sooner than the one that was measured is predicted, and so is one that was held
    for a smaller share of the requests than a promise means."""
    promised: Fraction | None = at.spec.time_to_first_token
    if promised is None:
        return
    objective = found.spec.objective
    held = [percent for percent, limit in _first_tokens(objective) if limit <= promised]
    if max(held, default=Fraction(0)) >= PROMISED_PERCENTILE:
        return
    text = (
        f"its first token within {float(promised) * 1000:g} ms is predicted: {found.name} was measured at {objective}"
    )
    if held:
        text += f", which holds it at p{float(max(held)):g} alone"
    context.notes.warn(at.name, text)


def _first_tokens(objective: str) -> Iterator[tuple[Fraction, Fraction]]:
    """Percentile and seconds of each objective of the first token; what somebody wrote otherwise promises nothing."""
    for one in _TTFT.finditer(objective):
        try:
            yield Fraction(one["percent"]), parse_seconds(one["limit"].strip())
        except UnitError:
            continue


def alike(here: Fraction, there: Fraction, measured: bool) -> bool:
    """Whether a number of tokens is that of a mix: to `SAME` where the mix was measured, exactly where it is stated."""
    return here == there or (measured and abs(here - there) <= SAME * max(here, there))
