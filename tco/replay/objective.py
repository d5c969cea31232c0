"""A latency objective: the share of requests that must stay under a limit."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tco.units import UnitError, parse_seconds

METRICS = {
    "ttft": "time to first token",
    "tpot": "time per output token",
    "itl": "inter-token latency",
    "e2e": "end-to-end latency",
}
"""What an objective can be about. Times to first token and to the end count from when a request was due."""
_ONE = re.compile(r"(?P<metric>[a-z0-9]+)_p(?P<percent>\d{1,2}(?:\.\d+)?)\s*=\s*(?P<limit>.+)")
LARGEST_SHARE = Fraction("0.9999")
"""Above it some 46,000 requests prove nothing yet."""
LIMITS = (Fraction(1, 1_000_000), Fraction(86_400))
"""Seconds that a limit may be: times are measured in microseconds."""


class Objective(NamedTuple):
    """A share of all requests that must take at most this long, such as 95 % to the first token within 500 ms."""

    metric: str
    share: Fraction
    limit: Fraction
    """Seconds."""

    @property
    def name(self) -> str:
        """`ttft_p95`."""
        return f"{self.metric}_p{_decimal(self.share * 100)}"

    def __str__(self) -> str:
        """As it can be read again, exactly."""
        limit = f"{_decimal(self.limit * 1000)}ms" if self.limit < 1 else f"{_decimal(self.limit)}s"
        return f"{self.name}={limit}"


def _decimal(value: Fraction) -> str:
    """A number of finitely many decimal places, as all that are typed are."""
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """`ttft_p95=500ms,tpot_p95=50ms`. Raises `UnitError`."""
    found: dict[str, Objective] = {}
    for part in text.split(","):
        match = _ONE.fullmatch(part.strip())
        if match is None or match["metric"] not in METRICS:
            known = ", ".join(METRICS)
            raise UnitError(part.strip(), f"METRIC_pNN=LIMIT with one of {known}, such as ttft_p95=500ms", "")
        share, limit = Fraction(match["percent"]) / 100, parse_seconds(match["limit"].strip())
        if not 0 < share <= LARGEST_SHARE or not LIMITS[0] <= limit <= LIMITS[1]:
            raise UnitError(part.strip(), "a percentile above 0 and up to 99.99, and a limit from 1 us to 24 h", "")
        objective = Objective(match["metric"], share, limit)
        if objective.name in found:
            raise UnitError(part.strip(), f"{objective.name} once", "")
        found[objective.name] = objective
    return tuple(found.values())


def objectives_text(objectives: tuple[Objective, ...]) -> str:
    """As it is typed; `none (maximum load)` where there is none."""
    return ",".join(map(str, objectives)) or "none (maximum load)"
