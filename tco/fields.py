"""Field types shared by scenarios and catalogues: a typed value, how it is parsed, and how an editor's schema sees it.

Every number arrives exact (`fractions.Fraction`); floats are made in one place only, when an evaluation begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from importlib import import_module
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import CoreSchema, core_schema

from tco import units
from tco.calendar import Month, parse_month
from tco.ranges import is_distribution, is_range, parse_distribution, parse_range

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"


class Model(BaseModel):
    """A part of a YAML file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)


def no_keys() -> Any:
    """The default of a mapping. Not `dict` itself, whose signature pydantic takes long to find."""
    return {}


def no_items() -> list[Any]:
    """The default of a list."""
    return []


class Parsed:
    """How a value is parsed, and how an editor's schema sees it.

    `PlainValidator` with `WithJsonSchema` says the same, but reads the parser's signature and builds a schema of the
    annotated type for every field: a quarter of the time a comparison took.
    """

    __slots__ = ("parse", "schema")

    def __init__(self, parse: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self.parse, self.schema = parse, schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return dict(self.schema)


class _Later:
    """A model by the name of its module. See `later`."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def named_model(self) -> type[BaseModel]:
        """The model itself, imported; `tco.document` asks for it too, to place errors in it."""
        model: type[BaseModel] = getattr(import_module(self.module), self.name)
        return model

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        # pydantic puts the errors of a validation within another one in their place. The reference is that of a model,
        # and says to schemas that it has a title of its own.
        inner = core_schema.any_schema(ref=f"{self.module}.{self.name}:{id(self)}")
        return core_schema.no_info_wrap_validator_function(
            lambda value, _: self.named_model().model_validate(value), inner
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        model = self.named_model()
        model.model_rebuild()
        whole: Any = model.__pydantic_core_schema__
        inner, others = (whole["schema"], whole["definitions"]) if whole["type"] == "definitions" else (whole, [])
        # by reference, as pydantic does it for a model that is a part of another
        ref = f"{self.module}.{self.name}:{id(model)}"
        named = core_schema.definition_reference_schema(ref)
        found: dict[str, Any] = handler(core_schema.definitions_schema(named, [*others, {**inner, "ref": ref}]))
        return found


def later(module: str, name: str) -> Any:
    """The type of a key that most scenarios leave out: its model is imported and built when the key is there.

    Of the time that a comparison takes, building models is a fifth. Type checkers are to see the model itself:
    `if TYPE_CHECKING: from a.b import C`, `else: C = later("a.b", "C")`.
    """
    return Annotated[Any, _Later(module, name)]


class OrText:
    """Of a model that may be written short, as one text: how an editor sees it. The model itself reads the text."""

    __slots__ = ("example",)

    def __init__(self, example: str) -> None:
        self.example = example

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "examples": [self.example]}, handler(schema)]}


def _whole(value: Any) -> int:
    count = units.parse_count(value)
    if count.denominator != 1:
        raise units.UnitError(value, "a whole number", "")
    return int(count)


def _at_least_one(value: Any) -> int:
    count = _whole(value)
    if count < 1:
        raise units.UnitError(value, "a whole number from 1", "")
    return count


def _positive(value: Any) -> Fraction:
    count = units.parse_count(value)
    if count <= 0:
        raise units.UnitError(value, "a number above 0", "")
    return count


def _positive_share(value: Any) -> Fraction:
    share = units.parse_share(value)
    if share <= 0:
        raise units.UnitError(value, "a share above 0 and up to 100%", "")
    return share


def _price(value: Any) -> Fraction:
    """A catalogue price: the unit is in the key and the currency on the file, so it is a bare number."""
    if isinstance(value, str):
        raise units.UnitError(value, "a bare number: the unit is in the key, the currency at the top of the file", "")
    return units.parse_count(value)


def _date(value: Any) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise units.UnitError(value, "a date such as 2026-11-21", "")


def check_name(value: Any) -> str:
    """The name of a catalogue entry. Raises UnitError for what is none."""
    if isinstance(value, str) and re.fullmatch(NAME, value) and len(value) <= 60:
        return value
    raise units.UnitError(value, "a short name of letters, digits, `.`, `_`, `+` and `-`", "")


def _reference(value: Any) -> str:
    """A catalogue entry, named by the file it stands in and its key there."""
    if isinstance(value, str) and value.count("/") == 1 and all(re.fullmatch(NAME, p) for p in value.split("/")):
        return value
    raise units.UnitError(value, "a catalogue entry as FILE/ENTRY, such as anthropic/claude-haiku-4.5", "")


def _text(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        line = " ".join(value.split())
        if line.isprintable():
            return line
        raise units.UnitError(value, "text without control characters", "")
    raise units.UnitError(value, "some text", "")


def ranged(parse: Callable[[Any], Any], schema: dict[str, Any], most: int | None = None) -> Parsed:
    """A number, or a range of such numbers up to `most`: `{low, high}`, `{low, mode, high}` or `{p10, p90}`."""
    return Parsed(
        lambda value: parse_range(value, parse, most) if isinstance(value, dict) else parse(value), range_schema(schema)
    )


def range_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """How an editor sees a value of this schema, or a range of such values."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    bound = {k: v for k, v in schema.items() if k not in ("examples", "minimum")}
    keys = "^(low|mode|high|p10|p90)$"
    return {**schema, "type": [*types, "object"], "patternProperties": {keys: bound}, "additionalProperties": False}


def _size(value: Any) -> Fraction:
    if is_distribution(value):
        return parse_distribution(value, units.parse_count, units.parse_share)
    return parse_range(value, units.parse_count) if is_range(value) else units.parse_count(value)


_NUMBER_OR_TEXT: dict[str, Any] = {"type": ["number", "string"]}

Count = Annotated[Fraction, ranged(units.parse_count, {**_NUMBER_OR_TEXT, "examples": [500, "33.3M"]})]
Size = Annotated[
    Fraction,
    Parsed(
        _size,
        {"type": ["number", "string", "object"], "examples": [500, {"p50": 900, "p90": 4000, "max": 20000}]},
    ),
]
"""A number of tokens that may differ from request to request: a mean, quantiles up to a `max`, or a `histogram`."""
Positive = Annotated[Fraction, ranged(_positive, {**_NUMBER_OR_TEXT, "examples": [500, "33.3M"]})]
Whole = Annotated[int, Parsed(_whole, {"type": "integer", "minimum": 0})]
AtLeastOne = Annotated[int, Parsed(_at_least_one, {"type": "integer", "minimum": 1})]
Share = Annotated[Fraction, ranged(units.parse_share, {**_NUMBER_OR_TEXT, "examples": ["70%", 0.7]}, most=1)]
PositiveShare = Annotated[Fraction, ranged(_positive_share, {**_NUMBER_OR_TEXT, "examples": ["70%", 0.7]}, most=1)]
Factor = Annotated[Fraction, ranged(units.parse_fraction, {**_NUMBER_OR_TEXT, "examples": ["130%", 1.3]})]
Price = Annotated[Fraction, ranged(_price, {"type": "number", "minimum": 0})]
Date = Annotated[date, Parsed(_date, {"type": "string", "format": "date"})]
MonthField = Annotated[
    Month, Parsed(parse_month, {"type": "string", "pattern": r"^\d{4}-\d{2}$", "examples": ["2027-01"]})
]
Name = Annotated[str, Parsed(check_name, {"type": "string", "pattern": NAME, "maxLength": 60})]
Reference = Annotated[str, Parsed(_reference, {"type": "string", "examples": ["anthropic/claude-haiku-4.5"]})]
Duration = Annotated[Fraction, ranged(units.parse_seconds, {"type": "string", "examples": ["500 ms", "3 min", "24 h"]})]
"""Seconds."""
Text = Annotated[str, Parsed(_text, {"type": "string", "minLength": 1})]


def _flow(value: Any) -> units.Flow:
    if not is_range(value):
        return units.parse_rate(value)
    flows = {key: units.parse_rate(bound) for key, bound in value.items()}
    first = next(iter(flows.values()))
    if any((f.unit, f.per) != (first.unit, first.per) for f in flows.values()):
        raise units.UnitError(None, "a range in one unit, such as {low: 10M tokens/day, high: 20M tokens/day}", "")
    return units.Flow(parse_range(flows, lambda f: f.amount), first.unit, first.per)


def money_parser(*per: str) -> Callable[[Any], units.Money]:
    """Reads money per one of these, or a range of it in one currency. See `units.parse_money`."""
    allowed: frozenset[str | None] = frozenset(None if p == "" else p for p in per)

    def parse(value: Any) -> units.Money:
        if not isinstance(value, dict):
            return units.parse_money(value, per=allowed)
        if not is_range(value):
            return parse_range(value, units.parse_count)  # type: ignore[return-value]  # says what a range looks like
        amounts = {key: units.parse_money(bound, per=allowed) for key, bound in value.items()}
        first = next(iter(amounts.values()))
        if any((m.currency, m.per) != (first.currency, first.per) for m in amounts.values()):
            raise units.UnitError(None, "a range in one currency and unit, such as {low: $1/hour, high: $2/hour}", "")
        return units.Money(parse_range(amounts, lambda m: m.amount), first.currency, first.per)

    return parse


Flow = Annotated[
    units.Flow,
    Parsed(_flow, range_schema({"type": "string", "examples": ["33.3M tokens/day", "100k requests/month"]})),
]


def money(*per: str, example: str) -> Parsed:
    """An amount of money per one of these, or a range of it."""
    return Parsed(money_parser(*per), range_schema({"type": "string", "examples": [example]}))


GpuPrice = Annotated[units.Money, money("hour", "gpu_hour", "day", "month", "year", example="$1.10/hour")]
MoneyOverTime = Annotated[units.Money, money("hour", "day", "month", "year", example="$1.10/hour")]
Salary = Annotated[units.Money, money("year", "month", example="150k USD/year")]
MoneyPerMtok = Annotated[units.Money, money("mtok", example="$0.80/1M tokens")]
