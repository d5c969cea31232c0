"""What people cost."""

from __future__ import annotations

from fractions import Fraction

from pydantic import Field

from tco.catalog.sourced import Sourced
from tco.fields import Date, Factor, Price, Text


class Person(Sourced):
    """What one full-time person costs a year."""

    role: Text
    per_year: Price
    loading: Factor = Field(Fraction(1), description="factor from `per_year` to what the employer pays in all")
    as_of: Date
