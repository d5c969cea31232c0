"""Months: how a plan counts time."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, NamedTuple

from tco.numerals import UnitError

NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS_PER_YEAR = 12
_FORM = re.compile(r"(\d{4})-(\d{2})")


class Month(NamedTuple):
    """A month of a year. Months are ordered, and months later or earlier are months."""

    year: int
    number: int
    """1 to 12."""

    @classmethod
    def of(cls, day: date) -> Month:
        """The month of a day."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    def later(self, months: int) -> Month:
        """So many months later; earlier where negative."""
        years, index = divmod(self.number - 1 + months, MONTHS_PER_YEAR)
        return Month(self.year + years, index + 1)

    def since(self, other: Month) -> int:
        """Months from another one to this one; negative where this one is earlier."""
        return (self.year - other.year) * MONTHS_PER_YEAR + self.number - other.number

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def parse_month(value: Any) -> Month:
    """A month such as 2027-03; a full date is read as its month. Raises UnitError."""
    if isinstance(value, date):
        return Month.of(value)
    found = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None and 1 <= int(found[2]) <= MONTHS_PER_YEAR and int(found[1]) >= 1:
        return Month(int(found[1]), int(found[2]))
    raise UnitError(value, "a month such as 2027-03", "")
