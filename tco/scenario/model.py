"""The keys of a scenario. Options are validated by their own kind, so that a new kind is one new file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints

from tco.fields import Date, Flow, Model, Name, OrText, Parsed, Positive, Share, Text, later, no_items, no_keys
from tco.scenario.requirements import Requirements, Team
from tco.units import UnitError
from tco.workload.model import Workload

if TYPE_CHECKING:
    from tco.scenario.budgets import Budget, Checks
    from tco.scenario.projection import Projection
else:
    Budget, Checks = (later("tco.scenario.budgets", name) for name in ("Budget", "Checks"))
    Projection = later("tco.scenario.projection", "Projection")

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

DAYS_PER_MONTH = Fraction(365, 12)
HOURS_PER_MONTH = Fraction(730)
TOO_CLOSE = Fraction(5, 100)
SURE = Fraction(80, 100)


class Rate(Model):
    """An exchange rate of one's own, in place of the catalogue's."""

    usd: Positive = Field(description="US dollars for one unit")
    as_of: Date
    source: Text


class Range(Model):
    """The volumes a comparison looks at."""

    from_: Flow | None = Field(None, alias="from")
    to: Flow | None = None


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnitError(value, "a mapping of keys to change", "")
    return value


Patch = Annotated[dict[str, Any], Parsed(_mapping, {"type": "object"})]


class Scenario(Model):
    """What is compared: a workload, the ways to serve it, and the conventions of counting."""

    name: Text | None = None
    description: Text | None = None
    assumptions: list[Text] = Field(
        default_factory=no_items, description="what this scenario takes for granted, printed with the results"
    )
    as_of: Date | None = Field(None, description="the date prices are read at; today when absent")
    currency: Currency = "USD"
    exchange_rates: dict[Currency, Rate] = Field(default_factory=no_keys)
    catalogs: list[Text] = Field(default_factory=no_items, description="folders of one's own prices, looked into first")
    traffic_days_per_month: Positive = Field(DAYS_PER_MONTH, description="days that carry a day's volume; 365/12")
    billed_hours_per_month: Positive = Field(HOURS_PER_MONTH, description="hours a month is billed for; 730")
    amortise_months: Positive | None = Field(
        None, description="months that `one_offs` are spread over; without it they are in no month's cost"
    )
    workload: Workload
    options: dict[Name, Patch] = Field(min_length=1, description="the ways to serve the workload, by name")
    requirements: Requirements = Field(default_factory=Requirements.model_construct)
    team: Team = Field(default_factory=Team.model_construct, description="held against `needs_engineers`")
    current: Name | None = Field(None, description="the option that runs today: savings are against it")
    reference_accuracy: Share | None = Field(
        None, description="what `accuracy_within` is held against; that of `current` or `reference_api` when absent"
    )
    reference_api: Name | None = Field(None, description="the API option that equivalent spend is stated in")
    range: Range = Field(default_factory=Range.model_construct)
    too_close_to_call: Share = Field(TOO_CLOSE, description="margin under which no option is recommended; 5 %")
    sure_enough: Share = Field(SURE, description="share of draws it must be cheapest in to be recommended; 80 %")
    projection: Projection | None = Field(None, description="how it goes on from month to month: `tco plan`")
    budgets: dict[Name, Annotated[Budget, OrText("$12,000/month")]] = Field(
        default_factory=no_keys, description="limits on projected spend that `tco check` enforces, by name"
    )
    checks: Checks | None = Field(None, description="what must hold beside them")
    variants: dict[Name, Patch] = Field(
        default_factory=no_keys, description="named changes to this scenario: keys to replace, null to remove"
    )
