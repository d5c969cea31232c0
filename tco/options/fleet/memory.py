"""Whether a model fits: weights and key-value cache in the memory of a replica's GPUs, and requests in its context.

Needed: weights + tokens held at once x key-value bytes of one. There is: GPUs of a replica x memory of each x the share
that an engine may use. What cannot be is an error with what would fit, never a price.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from tco.document import Fault
from tco.fields import Count, Model, Parsed, Positive, PositiveShare, Reference
from tco.lineitem import Figure
from tco.options.base import At, Context, Unusable
from tco.options.fleet.capacity import Capacity
from tco.options.usage import longest_call
from tco.ranges import Range
from tco.units import UnitError, parse_count
from tco.workload.demand import Class

if TYPE_CHECKING:
    from tco.catalog.open_weights import OpenModel

USABLE = Fraction(9, 10)
"""What engines take of a GPU's memory unless told otherwise: vLLM's gpu_memory_utilization."""
GB = 10**9
FULL_CONTEXT = "max context"
SIZES = ("bf16", "fp8", "int4")
"""Precisions that a catalogue knows sizes at, largest first."""

Precision = Literal["bf16", "fp16", "fp8", "int4"]


def _tokens(value: Any) -> Fraction | str:
    if value == FULL_CONTEXT:
        return FULL_CONTEXT
    tokens = parse_count(value)
    if not tokens:
        raise UnitError(value, f"a number of tokens above 0, or `{FULL_CONTEXT}`", "")
    return tokens


TokensOrFull = Annotated[
    Fraction | str, Parsed(_tokens, {"type": ["number", "string"], "examples": ["200k", FULL_CONTEXT]})
]


class Serves(Model):
    """The model that replicas run: what must fit in their memory, and how long a request may be."""

    model: Reference | None = Field(None, description="a catalogue entry, such as open-models/llama-3.3-70b")
    weights_gb: Positive | None = Field(None, description="its weights at the precision it runs at, GB of 10^9 bytes")
    kv_bytes_per_token: Positive | None = Field(None, description="key-value cache of one token of context")
    max_context_tokens: Count | None = Field(None, description="input and output of the longest request it can serve")
    precision: Precision | None = Field(None, description="of the weights; the capacity profile's, else bf16")
    kv_precision: Literal["bf16", "fp16", "fp8"] | None = Field(None, description="of the key-value cache; bf16")
    kv_tokens: TokensOrFull | None = Field(
        None, description="tokens of context a replica holds at once, or `max context`; one longest request when absent"
    )
    gpu_memory_gb: Positive | None = Field(None, description="memory of one GPU; as its catalogue entry says")
    usable_memory: PositiveShare = Field(USABLE, description="share of it that weights and cache may take")

    @model_validator(mode="after")
    def _one_model(self) -> Serves:
        if (self.model is None) == (self.weights_gb is None):
            raise UnitError(None, "one of `model` (a catalogue entry) and `weights_gb` (your own)", "")
        if self.weights_gb is not None and self.kv_bytes_per_token is None:
            raise UnitError(None, "`kv_bytes_per_token` beside `weights_gb`", "")
        own = ("precision", "kv_precision")
        meaningless = [k for k in own if self.weights_gb is not None and getattr(self, k) is not None]
        if meaningless:
            raise UnitError(None, f"no `{meaningless[0]}` beside `weights_gb`: it would change nothing", "")
        if self.kv_tokens == FULL_CONTEXT and self.model is None and self.max_context_tokens is None:
            raise UnitError(None, f"`max_context_tokens` beside `kv_tokens: {FULL_CONTEXT}`", "")
        ranges = [k for k in type(self).model_fields if isinstance(getattr(self, k), Range)]
        if ranges:
            raise UnitError(None, f"one number for `{ranges[0]}`, not a range: whether a model fits is not drawn", "")
        return self


class Replica(NamedTuple):
    """The GPUs of a replica: how many, and the memory and name of each where they are known."""

    gpus: Figure
    memory_gb: Fraction | None
    gpu: str | None


class _Size(NamedTuple):
    """Memory of a model, at the precision it runs at."""

    name: str
    weights_gb: Fraction
    kv_bytes: Fraction
    least_kv_bytes: Fraction
    """What a further token takes at least: less where most layers keep a window of the context."""
    max_context: Fraction | None
    precision: str
    others: dict[str, Fraction]
    """Weights at smaller precisions, GB."""


def check_memory(
    at: At, classes: Iterable[Class], replica: Replica, known: Capacity | None, context: Context, *steps: str
) -> None:
    """`Unusable` where the model does not fit the replica or a request does not fit the model, saying what would.

    `steps` lead to where the GPUs are stated, to be blamed where they are too few.
    """
    fault = misfit(at, tuple(classes), replica, known, context, *steps)
    if fault is not None:
        raise Unusable(fault)


def misfit(
    at: At, classes: Sequence[Class], replica: Replica, known: Capacity | None, context: Context, *steps: str
) -> Fault | None:
    """What is wrong with a replica for these classes; None when all fits, or nothing is known of its memory."""
    serves = _serves(at)
    size = _size(serves, at, known, context)
    longest = {c.name: longest_call(c, at) for c in classes}
    for name, tokens in longest.items():
        if size.max_context is not None and tokens > size.max_context:
            most = f"{size.name} takes at most {float(size.max_context):,.0f}"
            message = f"a call of {name} is up to {float(tokens):,.0f} tokens long, and {most}"
            return at.fault(message, "serves", expected="a model with a longer context, or shorter requests")
    held = serves.kv_tokens
    if held is None:
        tokens = max(longest.values(), default=Fraction(0))
        text = f"its memory holds the key-value cache of one longest request, {float(tokens):,.0f} tokens, at least"
        context.notes.assume(at.name, f"{text} (`kv_tokens`)")
    else:
        tokens = (size.max_context or Fraction(0)) if held == FULL_CONTEXT else Fraction(held)
        short = next((name for name, longer in longest.items() if longer > tokens), None)
        if short is not None:
            message = (
                f"a call of {short} is up to {float(longest[short]):,.0f} tokens long: more than `kv_tokens` holds"
            )
            return at.fault(message, "serves", "kv_tokens", expected=f"{float(longest[short]):,.0f} or more")
    each = serves.gpu_memory_gb or replica.memory_gb
    if each is None:
        text = f"nothing says how much memory a GPU has: whether {size.name} fits is not known (`gpu_memory_gb`)"
        context.notes.warn(at.name, text)
        return None
    if "usable_memory" not in serves.model_fields_set:
        context.notes.assume(at.name, f"weights and key-value cache may take {float(USABLE):.0%} of a GPU's memory")
    room = Fraction(replica.gpus.value) * getattr(each, "least", each) * serves.usable_memory
    cache, least = (tokens * kv / GB for kv in (size.kv_bytes, size.least_kv_bytes))
    if size.weights_gb + cache <= room:
        return None
    if size.weights_gb + least <= room:
        text = f"{size.name} needs {_gb(size.weights_gb + cache)} where all layers keep the whole context"
        context.notes.warn(at.name, f"{text}, and has {_gb(room)}: it fits as far as they keep a window of it")
        return None
    count = f"{replica.gpus.value} x {_gb(each)}"
    message = (
        f"{size.name} in {size.precision} needs {_gb(size.weights_gb)} + {_gb(cache)} for {float(tokens):,.0f} tokens, "
        f"and {count} has room for {_gb(room)}"
    )
    usable = Fraction(each) * serves.usable_memory
    ways = [f"{ceil((size.weights_gb + least) / usable)} x {_gb(each)}"]
    ways += [f"{p} on {ceil((weights + least) / usable)} x {_gb(each)}" for p, weights in size.others.items()]
    alone = (size.weights_gb + least) / serves.usable_memory / replica.gpus.value
    ways.append(f"{replica.gpus.value} x {_gb(Fraction(ceil(alone)))}")
    return at.fault(message, *steps, expected=", or ".join(dict.fromkeys(ways)))


def _serves(at: At) -> Serves:
    stated: str | Serves = at.spec.serves
    return Serves.model_validate({"model": stated}) if isinstance(stated, str) else stated


def _size(serves: Serves, at: At, known: Capacity | None, context: Context) -> _Size:
    limit = serves.max_context_tokens
    if serves.model is None:
        assert serves.weights_gb is not None
        assert serves.kv_bytes_per_token is not None
        own = serves.kv_bytes_per_token
        return _Size("the model", serves.weights_gb, own, own, limit, "its precision", {})
    keys = ("serves",) if isinstance(at.spec.serves, str) else ("serves", "model")
    found = context.find(at, "open_weights", serves.model, *keys)
    context.paper(at.name, found, found.spec)
    model: OpenModel = found.spec
    precision = _precision(serves, at, known, context)
    weights = model.weights_gb.of(precision)
    if weights is None:
        sizes = [p for p in SIZES if model.weights_gb.of(p) is not None]
        message = f"the size of {found.name} in {precision} is not known"
        raise Unusable(
            at.fault(message, "serves", expected=f"`precision: ` one of {', '.join(sizes)}, or `weights_gb`")
        )
    kv_precision = "bf16" if serves.kv_precision in (None, "fp16") else str(serves.kv_precision)
    if serves.kv_precision is None and serves.kv_bytes_per_token is None:
        context.notes.assume(at.name, "its key-value cache is kept in bf16")
    kv = serves.kv_bytes_per_token or model.kv_bytes_per_token.of(kv_precision)
    if kv is None:
        message = f"the key-value bytes of {found.name} in {kv_precision} are not known"
        raise Unusable(at.fault(message, "serves", expected="another `kv_precision`, or `kv_bytes_per_token`"))
    longer = model.long_kv_bytes_per_token
    least = serves.kv_bytes_per_token or (None if longer is None else longer.of(kv_precision)) or kv
    smaller = SIZES[SIZES.index(precision) + 1 :]
    others = {p: size for p in smaller if (size := model.weights_gb.of(p)) is not None}
    return _Size(model.name, weights, kv, least, limit or model.max_context_tokens, precision, others)


def _precision(serves: Serves, at: At, known: Capacity | None, context: Context) -> str:
    """As stated, else the capacity profile's; a profile found at another precision is warned about."""
    profile: str | None = None if known is None or known.found is None else known.found.spec.precision
    measured = None if profile is None else _same(profile)
    if serves.precision is not None:
        precision = _same(serves.precision)
        if known is not None and measured is not None and measured != precision:
            assert known.found is not None
            context.notes.warn(at.name, f"{known.found.name} was found in {profile}, and the model runs in {precision}")
        return precision
    if measured is None:
        context.notes.assume(at.name, "its weights are kept in bf16: no `precision`")
        return "bf16"
    if measured not in SIZES:
        message = f"the capacity profile runs in {profile}, for which no sizes are known"
        raise Unusable(at.fault(message, "serves", expected="a `precision`, or `weights_gb` of your own"))
    return measured


def _same(precision: str) -> str:
    """fp16 and bf16 take two bytes each."""
    text = precision.lower()
    return "bf16" if text in ("fp16", "bf16") else text


def _gb(amount: Fraction) -> str:
    return f"{float(amount):.4g} GB"
