"""The `workload` of a scenario: request classes, load by hour, overhead. One object, priced on every side."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from tco import units
from tco.catalog.meters import METERS
from tco.fields import Count, Factor, Flow, Model, Name, Parsed, Share, Text, no_keys

REST = "rest"


def share_or_rest(value: Any) -> Fraction | Literal["rest"]:
    """A share, or `rest` for what the others leave. Raises UnitError."""
    return REST if value == REST else units.parse_share(value)  # type: ignore[return-value]


ShareOrRest = Annotated[
    Fraction | str, Parsed(share_or_rest, {"type": ["number", "string"], "examples": ["70%", "rest"]})
]


def _hours(value: Any) -> tuple[Fraction, ...]:
    if not isinstance(value, list) or len(value) != 24:
        raise units.UnitError(value, "24 relative weights, one for each hour of the day", "")
    weights = tuple(units.parse_count(w) for w in value)
    if not any(weights):
        raise units.UnitError(value, "at least one hour with load", "")
    return weights


class Load(Model):
    """How a day's requests spread over its hours."""

    by_hour: Annotated[
        tuple[Fraction, ...] | None,
        Parsed(_hours, {"type": "array", "items": {"type": "number"}, "minItems": 24, "maxItems": 24}),
    ] = Field(None, description="24 relative weights from midnight on; 0 is an hour without requests")
    peak_hour_share: Share | None = Field(None, description="share of the day in its busiest hour, the rest even")

    @model_validator(mode="after")
    def _one_of(self) -> Load:
        if (self.by_hour is None) == (self.peak_hour_share is None):
            raise units.UnitError(None, "one of `by_hour` and `peak_hour_share`", "")
        if self.peak_hour_share is not None and self.peak_hour_share < Fraction(1, 24):
            raise units.UnitError(None, "`peak_hour_share` of at least 1/24: below it is not the busiest hour", "")
        return self

    def shares(self) -> tuple[Fraction, ...]:
        """The share of a day's requests in each of its 24 hours; sums to 1."""
        if self.by_hour is not None:
            whole = sum(self.by_hour)
            return tuple(w / whole for w in self.by_hour)
        assert self.peak_hour_share is not None
        return (self.peak_hour_share, *[(1 - self.peak_hour_share) / 23] * 23)


_COUNTS: dict[str, Any] = {
    m.count_key: (Count | None, Field(None, description=f"mean {m.label} of a request" + _inside))
    for m in METERS
    if m.source == "class"
    for _inside in [f", part of its {m.inside} tokens" if m.inside else ""]
}


def _flat_or_mapping(value: Any) -> Any:
    if value != "flat" and not isinstance(value, dict | Load):
        raise units.UnitError(value, "`flat`, `{peak_hour_share: 20%}` or `{by_hour: [24 weights]}`", "")
    return value


class _Sizes(Model):
    """The mean sizes of a request, in the workload's reference tokenizer."""

    cacheable_input_tokens: Count | None = Field(
        None, description="prefix that requests share: what a cache may answer, part of its input tokens"
    )

    def tokens(self, key: str) -> Fraction:
        """Mean tokens of a request on a meter that the class states; 0 when it states none."""
        value: Fraction | None = getattr(self, f"{key}_tokens")
        return Fraction(0) if value is None else value

    def check_sizes(self) -> None:
        """A request has tokens, and a part is no larger than what contains it."""
        if not self.tokens("input") + self.tokens("output"):
            raise units.UnitError(None, "`input_tokens` or `output_tokens` above 0", "")
        for container in ("input", "output"):
            parts = [m for m in METERS if m.inside == container and m.source == "class" and self.tokens(m.key)]
            parts_sum = sum((self.tokens(m.key) for m in parts), Fraction(0))
            if parts_sum > self.tokens(container):
                names = " + ".join(f"{m.count_key} {float(self.tokens(m.key)):g}" for m in parts)
                raise units.UnitError(
                    None, f"parts within `{container}_tokens` {float(self.tokens(container)):g}, not {names}", ""
                )
        if (self.cacheable_input_tokens or 0) > self.tokens("input"):
            raise units.UnitError(
                None,
                f"`cacheable_input_tokens` ({float(self.cacheable_input_tokens or 0):g}) within "
                f"`input_tokens` ({float(self.tokens('input')):g})",
                "",
            )


Sizes = create_model("Sizes", __base__=_Sizes, __doc__=_Sizes.__doc__, **_COUNTS)


class RequestClass(Sizes):  # type: ignore[misc, valid-type]
    """One kind of request, with its share of the requests and its sizes."""

    share: ShareOrRest = Field(description="share of the requests; `rest` for what the other classes leave")

    @model_validator(mode="after")
    def _sizes(self) -> RequestClass:
        self.check_sizes()
        return self


class Workload(Sizes):  # type: ignore[misc, valid-type]
    """The traffic to be served: one kind of request stated here, or several under `classes`."""

    volume: Flow = Field(description="served traffic: tokens (input + output) or requests, per day, month, ...")
    classes: dict[Name, RequestClass] | None = Field(None, min_length=1)
    load: Annotated[Load | Literal["flat"], BeforeValidator(_flat_or_mapping)] = Field(
        "flat", description="how a day's requests spread over its hours"
    )
    overhead: dict[Name, Factor] = Field(
        default_factory=no_keys,
        description="billed but not served, each a fraction of served requests: retries, evaluation, shadow traffic",
    )
    note: Text | None = None

    @model_validator(mode="after")
    def _classes_or_sizes(self) -> Workload:
        own = [k for k in self.model_fields_set if k.endswith("_tokens")]
        if self.classes is not None and own:
            raise units.UnitError(None, f"sizes either here or under `classes`, not both (`{sorted(own)[0]}`)", "")
        if self.classes is None:
            self.check_sizes()
        return self


def shares_problem(shares: dict[str, Fraction | str]) -> str | None:
    """What is wrong with shares that must make a whole, in words; None when nothing is."""
    stated = sum((s for s in shares.values() if isinstance(s, Fraction)), Fraction(0))
    rests = [k for k, s in shares.items() if s == REST]
    listing = " + ".join(
        f"{k} {float(s) * 100:.10g} %" if isinstance(s, Fraction) else f"{k} rest" for k, s in shares.items()
    )
    if len(rests) > 1:
        return f"`rest` once, not for {', '.join(rests)}"
    if rests and stated > 1:
        return f"shares of at most 100 % beside `rest`, not {listing}"
    if not rests and stated != 1:
        return f"shares that add up to 100 %, not {listing} = {float(stated) * 100:.10g} %"
    return None


def whole_shares(shares: dict[str, Fraction | str]) -> dict[str, Fraction]:
    """Shares with `rest` filled in; they sum to 1."""
    stated = sum((s for s in shares.values() if isinstance(s, Fraction)), Fraction(0))
    return {k: s if isinstance(s, Fraction) else 1 - stated for k, s in shares.items()}
