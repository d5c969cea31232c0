"""One side of a change: a scenario as it stood, with the catalogues it stood beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tco.analysis.case import Case, build_case
from tco.catalog.store import Reading, Store
from tco.document import Document


class Side(NamedTuple):
    """A scenario's text where it was read, and how its catalogues are found there."""

    document: Document
    today: date
    """The day prices are read at where the scenario states none."""
    catalogues: Callable[[date], Store] | None = None
    """As of a day; those that the scenario names beside it where None."""
    reading: Reading | None = None
    """What has been read of those for other scenarios."""
    warnings: tuple[str, ...] = ()
    """What to know of how it was read."""
    figures: Mapping[str, Decimal] | None = None
    """What each option cost a month when the side was recorded; None where it was not."""

    def case(self) -> Case:
        """The scenario ready to be priced; `Faults` with everything that is wrong."""
        return build_case(self.document, None, self.today, self.catalogues, self.reading)
