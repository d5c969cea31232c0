"""The `workload` of a scenario: request classes, load by hour, overhead. One object, priced on every side."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from tco import units
from tco.catalog.meters import METERS
from tco.fields import (
    Count,
    Duration,
    Factor,
    Flow,
    Model,
    Name,
    Parsed,
    Share,
    Size,
    Text,
    later,
    money_parser,
    no_keys,
)
from tco.ranges import Range, is_range, parse_range

if TYPE_CHECKING:
    from tco.workload.embeddings import Embeddings
else:
    Embeddings = later("tco.workload.embeddings", "Embeddings")

REST = "rest"


def share_or_rest(value: Any) -> Fraction | Literal["rest"]:
    """A share or a range of it, or `rest` for what the others leave. Raises UnitError."""
    if is_range(value):
        return parse_range(value, units.parse_share, most=1)
    return REST if value == REST else units.parse_share(value)  # type: ignore[return-value]


ShareOrRest = Annotated[
    Fraction | str, Parsed(share_or_rest, {"type": ["number", "string", "object"], "examples": ["70%", "rest"]})
]


MoneyPerRequest = Annotated[
    units.Money, Parsed(money_parser("request"), {"type": ["string", "object"], "examples": ["$5/request"]})
]

HOURS_PER_DAY, DAYS_PER_WEEK = 24, 7
HOURS_PER_WEEK = HOURS_PER_DAY * DAYS_PER_WEEK
WEEKDAYS = 5


def _hours(value: Any) -> tuple[Fraction, ...]:
    if isinstance(value, dict):
        if set(value) != {"weekday", "weekend"}:
            raise units.UnitError(None, "24 weights for each of `weekday` and `weekend`", "")
        weekday, weekend = (_weights(value[k], (HOURS_PER_DAY,)) for k in ("weekday", "weekend"))
        weights = weekday * WEEKDAYS + weekend * (DAYS_PER_WEEK - WEEKDAYS)
    else:
        weights = _weights(value, (HOURS_PER_DAY, HOURS_PER_DAY * DAYS_PER_WEEK))
    if not any(weights):
        raise units.UnitError(value, "at least one hour with load", "")
    return weights


def _weights(value: Any, lengths: tuple[int, ...]) -> tuple[Fraction, ...]:
    if not isinstance(value, list) or len(value) not in lengths:
        of_a_week = ", or 168 from Monday midnight on" if len(lengths) > 1 else ""
        raise units.UnitError(value, f"24 relative weights, one for each hour of the day{of_a_week}", "")
    return tuple(units.parse_count(w) for w in value)


class Load(Model):
    """How requests spread over the hours of a day, or of a week."""

    by_hour: Annotated[
        tuple[Fraction, ...] | None,
        Parsed(
            _hours,
            {
                "anyOf": [
                    {"type": "array", "items": {"type": "number"}, "minItems": 24, "maxItems": 168},
                    {
                        "type": "object",
                        "required": ["weekday", "weekend"],
                        "additionalProperties": {
                            "type": "array", "items": {"type": "number"}, "minItems": 24, "maxItems": 24,
                        },
                    },
                ]
            },
        ),
    ] = Field(
        None,
        description="24 relative weights from midnight on (`weekday` and `weekend` apart if need be), or 168 from "
        "Monday midnight on; 0 is an hour without requests",
    )  # fmt: skip
    peak_hour_share: Share | None = Field(None, description="share of the day in its busiest hour, the rest even")

    @model_validator(mode="after")
    def _one_of(self) -> Load:
        if (self.by_hour is None) == (self.peak_hour_share is None):
            raise units.UnitError(None, "one of `by_hour` and `peak_hour_share`", "")
        if self.peak_hour_share is not None:
            if isinstance(self.peak_hour_share, Range):
                raise units.UnitError(None, "one share, not a range: the shape of a day is not drawn", "")
            if self.peak_hour_share < Fraction(1, 24):
                raise units.UnitError(None, "`peak_hour_share` of at least 1/24: below it is not the busiest hour", "")
        return self

    def shares(self) -> tuple[Fraction, ...]:
        """The share of a mean day's requests in each hour of the day (24, sum 1) or of the week (168, sum 7)."""
        if self.by_hour is not None:
            whole = sum(self.by_hour) / Fraction(len(self.by_hour), HOURS_PER_DAY)
            return tuple(w / whole for w in self.by_hour)
        assert self.peak_hour_share is not None
        return (self.peak_hour_share, *[(1 - self.peak_hour_share) / 23] * 23)


_COUNTS: dict[str, Any] = {
    m.count_key: (
        (Size if m.key == "input" else Count) | None,
        Field(None, description=f"{m.label} of a request, a mean" + _inside + _spread),
    )
    for m in METERS
    if m.source == "class"
    for _inside in [f", part of its {m.inside} tokens" if m.inside else ""]
    for _spread in [", quantiles up to a `max`, or a `histogram`" if m.key == "input" else ""]
}


def _flat_or_mapping(value: Any) -> Any:
    if value != "flat" and not isinstance(value, dict | Load):
        raise units.UnitError(value, "`flat`, `{peak_hour_share: 20%}` or `{by_hour: [24 or 168 weights]}`", "")
    return value


def _calls(value: Any) -> Fraction:
    calls = parse_range(value, units.parse_count) if is_range(value) else units.parse_count(value)
    if not 1 <= getattr(calls, "low", calls) <= getattr(calls, "most", calls) <= MOST_CALLS:
        raise units.UnitError(None if is_range(value) else value, f"a number of calls from 1 to {MOST_CALLS}", "")
    return calls


MOST_CALLS = 1000
CallsPerTask = Annotated[Fraction, Parsed(_calls, {"type": ["number", "object"], "minimum": 1, "maximum": MOST_CALLS})]
ClassLoad = Annotated[Load | Literal["flat"], BeforeValidator(_flat_or_mapping)]


class _Sizes(Model):
    """What a request is made of, in tokens of the workload's reference tokenizer."""

    cacheable_input_tokens: Count | None = Field(
        None, description="prefix that requests share: what a cache may answer, part of its input tokens"
    )

    calls_per_task: CallsPerTask | None = Field(
        None, description="model calls that one request takes: an agent's steps; 1 when absent"
    )
    context_growth_tokens: Count | None = Field(
        None, description="input tokens that each call adds to the next one's: history that is sent again"
    )
    batchable_share: Share | None = Field(None, description="share of the requests that can wait")
    deadline: Duration | None = Field(None, description="how long they can wait, such as 24 h; needed to batch them")
    load: ClassLoad | None = Field(None, description="how they spread over the hours; the workload's when absent")

    def tokens(self, key: str) -> Fraction:
        """Mean tokens of a request on a meter that the class states; 0 when it states none."""
        value: Fraction | None = getattr(self, f"{key}_tokens")
        return Fraction(0) if value is None else value

    def check_sizes(self) -> None:
        """A request has tokens, a part is no larger than what contains it, and what waits says how long."""
        if self.context_growth_tokens and self.calls_per_task is None:
            raise units.UnitError(None, "`calls_per_task` beside `context_growth_tokens`", "")
        if (self.batchable_share is None) != (self.deadline is None):
            raise units.UnitError(None, "`batchable_share` and `deadline` together", "")
        if not self.tokens("input") + self.tokens("output"):
            raise units.UnitError(None, "`input_tokens` or `output_tokens` above 0", "")
        for container in ("input", "output"):
            parts = [m for m in METERS if m.inside == container and m.source == "class" and self.tokens(m.key)]
            parts_sum = sum((_most(self.tokens(m.key)) for m in parts), Fraction(0))
            if parts_sum > _least(self.tokens(container)):
                names = " + ".join(f"{m.count_key} {float(_most(self.tokens(m.key))):g}" for m in parts)
                whole = float(_least(self.tokens(container)))
                raise units.UnitError(None, f"parts within `{container}_tokens` {whole:g}, not {names}", "")
        if _most(self.cacheable_input_tokens or Fraction(0)) > _least(self.tokens("input")):
            raise units.UnitError(
                None,
                f"`cacheable_input_tokens` ({float(_most(self.cacheable_input_tokens or Fraction(0))):g}) within "
                f"`input_tokens` ({float(_least(self.tokens('input'))):g})",
                "",
            )


def _least(tokens: Fraction) -> Fraction:
    """The fewest that are drawn, of a range; the mean, of a distribution over requests."""
    return tokens.least if isinstance(tokens, Range) else tokens


def _most(tokens: Fraction) -> Fraction:
    return tokens.most if isinstance(tokens, Range) else tokens


Sizes = create_model("Sizes", __base__=_Sizes, __doc__=_Sizes.__doc__, **_COUNTS)


class RequestClass(Sizes):  # type: ignore[misc, valid-type]
    """One kind of request, with its share of the requests and its sizes."""

    share: ShareOrRest = Field(description="share of the requests; `rest` for what the other classes leave")

    @model_validator(mode="after")
    def _sizes(self) -> RequestClass:
        self.check_sizes()
        return self


OF_A_REQUEST = frozenset(Sizes.model_fields) - {"load"}


class Workload(Sizes):  # type: ignore[misc, valid-type]
    """The traffic to be served: one kind of request stated here, or several under `classes`."""

    volume: Flow = Field(description="served traffic: tokens (input + output) or requests, per day, month, ...")
    classes: dict[Name, RequestClass] | None = Field(None, min_length=1)
    load: ClassLoad = Field("flat", description="how requests spread over the hours of a day or a week")
    burst: Factor = Field(Fraction(1), description="peak within the hour over the hour's mean, 1 or more")
    overhead: dict[Name, Factor] = Field(
        default_factory=no_keys,
        description="billed but not served, each a fraction of served requests: retries, evaluation, shadow traffic",
    )
    embeddings: Embeddings | None = Field(
        None, description="corpus and queries that are embedded; each option says by whom"
    )
    bad_answer_costs: MoneyPerRequest | None = Field(
        None, description="what one wrong answer that nobody notices costs the business, whoever gave it"
    )
    note: Text | None = None

    @model_validator(mode="after")
    def _classes_or_sizes(self) -> Workload:
        own = [k for k in self.model_fields_set if k in OF_A_REQUEST]
        lowest = getattr(self.burst, "least", self.burst)
        if lowest < 1:
            raise units.UnitError(
                None, f"`burst` of 1 or more, not {float(lowest):g}: a peak is no lower than its mean", ""
            )
        if self.classes is not None and own:
            raise units.UnitError(None, f"sizes either here or under `classes`, not both (`{sorted(own)[0]}`)", "")
        if self.classes is None:
            self.check_sizes()
        return self


def shares_problem(shares: dict[str, Fraction | str]) -> str | None:
    """What is wrong with shares that must make a whole, in words; None when nothing is."""
    stated = sum((s for s in shares.values() if isinstance(s, Fraction)), Fraction(0))
    most = sum((Fraction(getattr(s, "most", s)) for s in shares.values() if isinstance(s, Fraction)), Fraction(0))
    rests = [k for k, s in shares.items() if s == REST]
    listing = " + ".join(
        f"{k} {float(s) * 100:.10g} %" if isinstance(s, Fraction) else f"{k} rest" for k, s in shares.items()
    )
    if len(rests) > 1:
        return f"`rest` once, not for {', '.join(rests)}"
    if rests and most > 1:
        return f"shares of at most 100 % beside `rest`, not {listing}"
    if not rests and stated != 1:
        return f"shares that add up to 100 %, not {listing} = {float(stated) * 100:.10g} %"
    return None
