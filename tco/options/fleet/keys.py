"""Keys of options that run replicas: how many, how they are billed, and which of these keys go together."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from tco.fields import AtLeastOne, Count, Duration, Factor, Model, Positive, PositiveShare, Whole, later
from tco.options.base import ServesTokens
from tco.options.base import Steps as Keys
from tco.options.fleet.stated import CapacityField, capacity_references
from tco.ranges import Range
from tco.units import UnitError

if TYPE_CHECKING:
    from tco.options.fleet.terms import Reserved, Spot
else:
    Reserved, Spot = (later("tco.options.fleet.terms", name) for name in ("Reserved", "Spot"))

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

BY_THE_HOUR = ("static", "autoscaled", "busy_hours", "batch_window")
SCALED = ("autoscaled", "busy_hours", "busy_time", "batch_window")
BILLED_BY = {
    "cold_start": SCALED,
    "idle_timeout": ("busy_time",),
    "wake_ups_per_day": ("busy_time",),
    "window_hours_per_month": ("batch_window",),
    "windows_per_month": ("batch_window",),
    "batch": ("static", "autoscaled"),
    "reserved": BY_THE_HOUR,
    "zones": BY_THE_HOUR,
    "min_gpus": BY_THE_HOUR,
    "min_units": BY_THE_HOUR,
}
"""The billings beside which each key says something."""


class Replicas(Model):
    """How many replicas run: bounds, and spares beside what the load needs."""

    min: Whole = Field(1, description="replicas that run even without load")
    max: AtLeastOne | None = Field(None, description="the fleet is full beyond: infeasible, or overflow")
    spare: Whole = Field(0, description="replicas beside what the load needs")

    @model_validator(mode="after")
    def _bounds(self) -> Replicas:
        if self.max is not None and self.max < max(self.min, self.spare + 1):
            raise UnitError(
                None, f"`max` ({self.max}) of at least `min` ({self.min}) and more than `spare` ({self.spare})", ""
            )
        return self


def _number_is_fixed(value: object) -> object:
    """`replicas: 2` is a fleet of exactly two."""
    return {"min": value, "max": value} if isinstance(value, int) and not isinstance(value, bool) else value


class _OrOneNumber:
    """Tells the schema of the short form beside the long one."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 1}, handler(core)]}


class FleetSpec(ServesTokens):
    """Keys of options that run replicas."""

    capacity: CapacityField | None = Field(
        None, description="a capacity profile by name, rates of one's own, or several of either"
    )
    replicas: Annotated[Replicas, BeforeValidator(_number_is_fixed), _OrOneNumber()] = Field(
        default_factory=Replicas.model_construct,
        description="bounds, or one number for a fleet of fixed size",
    )
    billing: Literal["static", "autoscaled", "busy_hours", "busy_time", "batch_window"] = Field(
        "static",
        description="static: the peak's replicas all month; autoscaled: each hour's; busy_hours: none in hours without "
        "load; busy_time: seconds of work and wake-ups; batch_window: stated hours that the month's work must fit",
    )
    cold_start: Duration | None = Field(None, description="billed for each replica that is started, before it serves")
    idle_timeout: Duration | None = Field(None, description="busy_time: billed after the last request of a wake-up")
    wake_ups_per_day: Count | None = Field(None, description="busy_time: how often a day a replica is started")
    window_hours_per_month: Positive | None = Field(None, description="batch_window: hours that replicas run")
    windows_per_month: Positive | None = Field(None, description="batch_window: in so many pieces; daily when absent")
    batch: bool = Field(False, description="true: batchable requests fill idle hours within their deadline")
    target_utilisation: PositiveShare = Field(Fraction(1), description="load a replica is planned for")
    availability: PositiveShare = Field(
        Fraction(1), description="share of the time that a replica serves: restarts and failures take the rest"
    )
    burst: Factor | None = Field(None, description="peak within the hour over its mean; the workload's when absent")
    staging: Whole = Field(0, description="replicas without load beside those that serve, billed in every hour")
    zones: AtLeastOne = Field(1, description="zones that can each carry the whole load: `replicas` run in each")
    reserved: Reserved | None = Field(None, description="a base that is paid in every hour, at a price of its own")
    spot: Spot | None = Field(None, description="hours that can be interrupted, at a price of their own")
    billed_hours_per_month: Positive | None = Field(None, description="this option's own hours")

    @model_validator(mode="after")
    def _fleet(self) -> FleetSpec:
        if self.burst is not None and getattr(self.burst, "least", self.burst) < 1:
            raise UnitError(
                None, f"`burst` of 1 or more, not {float(self.burst):g}: a peak is no lower than its mean", ""
            )
        if self.billing != "static" and self.capacity is None:
            raise UnitError(None, f"a `capacity` beside `billing: {self.billing}`: replicas follow the load", "")
        if self.batch and self.capacity is None:
            raise UnitError(None, "a `capacity` beside `batch`: waiting requests fill what it leaves idle", "")
        for key, billings in BILLED_BY.items():
            if key in self.model_fields_set and self.billing not in billings:
                others = " or ".join(f"`{b}`" for b in billings)
                raise UnitError(None, f"no `{key}` beside `billing: {self.billing}`: it says something of {others}", "")
        most = self.replicas.max
        if self.reserved is not None and most is not None and self.reserved.replicas > most:
            raise UnitError(None, f"at most `max` ({most}) replicas reserved, not {self.reserved.replicas}", "")
        if self.billing == "busy_time":
            self._busy_time()
        if self.billing == "batch_window" and self.window_hours_per_month is None:
            raise UnitError(None, "`window_hours_per_month` beside `billing: batch_window`, such as 31", "")
        return self

    def _busy_time(self) -> None:
        """What seconds of work are billed by, and what would change nothing."""
        if self.wake_ups_per_day is None:
            expected = "`wake_ups_per_day` beside `billing: busy_time`: how often a replica is started"
            raise UnitError(None, f"{expected} (0 where it is never idle)", "")
        starts = self.wake_ups_per_day.most if isinstance(self.wake_ups_per_day, Range) else self.wake_ups_per_day
        if starts and self.cold_start is None and self.idle_timeout is None:
            raise UnitError(None, "`cold_start` or `idle_timeout` beside `wake_ups_per_day`: what a wake-up bills", "")
        if "min" in self.replicas.model_fields_set or self.replicas.spare:
            key = "spare" if self.replicas.spare else "min"
            raise UnitError(None, f"no `replicas.{key}` beside `billing: busy_time`: nothing runs without work", "")

    def references(self) -> dict[Keys, tuple[str, str]]:
        return {**super().references(), **capacity_references(self.capacity)}
