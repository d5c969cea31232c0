"""OpenTelemetry GenAI spans: documents and JSONL of spans, OTLP/JSON exports, attributes as a mapping or as a list.

`gen_ai.usage.input_tokens` includes cached tokens, as the semantic conventions have it. A span that is no call of a
model (an agent, a tool, an embedding) is dropped, or its tokens would be counted twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tco.traffic.batch import Batch
from tco.traffic.columns import FURTHEST, time_of
from tco.traffic.formats.base import Facts, Format, Head, Pass, always
from tco.traffic.formats.messages import prompt_of
from tco.traffic.formats.rows import FAILED, BadRowError, One, count, gathered, text, values
from tco.traffic.formats.usage import inside

CALLS = frozenset({"chat", "text_completion", "completion", "generate_content", "generate", "messages", "responses"})
"""Operations that are calls of a model."""
INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
CACHED = (
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
)  # fmt: skip
SESSION = ("gen_ai.conversation.id", "session.id", "exgentic.session.id", "traceloop.association.properties.session_id")
MODEL = ("gen_ai.request.model", "gen_ai.response.model")
MESSAGES = ("gen_ai.input.messages", "gen_ai.prompt")
GROUPS = ("resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "instrumentationLibrarySpans", "spans")
"""Where spans lie within spans' parcels, from the outside in."""
ROWS = 4096


def read(job: Pass) -> Iterator[Batch]:
    """The model calls, as they stand."""
    rows: list[One] = []
    for found in values(job):
        share = found.size // max(1, len(found.values))
        for value, line in zip(found.values, found.lines, strict=True):
            for span in _spans(value):
                try:
                    rows.append(_one(span, job.prompts))
                except BadRowError as problem:
                    job.tally.drop(str(problem), line, 1)
            if len(rows) >= ROWS:
                job.tally.kept += len(rows)
                yield gathered(rows, share, timed=True)
                rows = []
    if rows:
        job.tally.kept += len(rows)
        yield gathered(rows, 0, timed=True)


def _spans(value: Any) -> Iterator[Any]:
    """The spans of a value: itself, or what it holds."""
    held = [value[name] for name in GROUPS if isinstance(value, dict) and isinstance(value.get(name), list)]
    if not held:
        if not (isinstance(value, dict) and any(isinstance(value.get(name), list) for name in GROUPS)):
            yield value
        return
    for items in held:
        for item in items:
            yield from _spans(item)


def _one(span: Any, prompts: bool) -> One:
    if not isinstance(span, dict):
        raise BadRowError("no span")
    attributes = _attributes(span.get("attributes"))
    operation = attributes.get("gen_ai.operation.name", attributes.get("llm.request.type"))
    counted = any(name in attributes for name in (*INPUT, *OUTPUT))
    if operation is None and not counted and not any(name in attributes for name in MODEL):
        raise BadRowError("no model call: no `gen_ai` attributes")
    if operation is not None and (not isinstance(operation, str) or operation not in CALLS):
        raise BadRowError(f"no model call: `{str(operation)[:40]}`")
    if _failed(span.get("status")) or "error.type" in attributes:
        raise BadRowError(FAILED)
    start = _moment(span, "start")
    if start is None:
        raise BadRowError("no start time")
    end = _moment(span, "end")
    tokens, output, cached = (_first_count(attributes, names) for names in (INPUT, OUTPUT, CACHED))
    used = inside(tokens, output, cached)
    # looked at even where the text is not wanted, so that the same rows are kept
    prompt = prompt_of(
        _first(attributes, MESSAGES) or _numbered(attributes), attributes.get("gen_ai.system_instructions")
    )
    if used.input_tokens is None and prompt is None:
        raise BadRowError("neither token counts nor a prompt")
    context = span.get("context") if isinstance(span.get("context"), dict) else {}
    assert isinstance(context, dict)
    trace = span.get("traceId", span.get("trace_id", context.get("trace_id")))
    return One(
        start,
        used.input_tokens,
        used.output_tokens,
        used.cached_tokens,
        end - start if end is not None and end >= start else None,
        text(span.get("spanId", span.get("span_id", context.get("span_id")))),
        text(_first(attributes, SESSION)) or text(trace),
        text(span.get("parentSpanId", span.get("parent_span_id", span.get("parent_id")))),
        prompt if prompts else None,
        text(_first(attributes, MODEL)),
    )


def _attributes(said: Any) -> dict[str, Any]:
    """Attributes as a mapping, whichever way they are written."""
    if isinstance(said, dict):
        return said
    if not isinstance(said, list):
        return {}
    return {a["key"]: _value(a.get("value")) for a in said if isinstance(a, dict) and isinstance(a.get("key"), str)}


def _value(said: Any) -> Any:
    """An OTLP value: `{"intValue": "5"}` is 5."""
    if not isinstance(said, dict) or len(said) != 1:
        return said
    ((kind, value),) = said.items()
    if kind in ("arrayValue", "array_value") and isinstance(value, dict):
        return [_value(v) for v in value.get("values") or []]
    if kind in ("kvlistValue", "kvlist_value") and isinstance(value, dict):
        return _attributes(value.get("values"))
    if kind in ("intValue", "int_value"):
        try:
            return int(value)
        except (TypeError, ValueError):
            return value
    return value


def _first(attributes: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((attributes[n] for n in names if attributes.get(n) not in (None, "")), None)


def _first_count(attributes: dict[str, Any], names: tuple[str, ...]) -> int | None:
    name = next((n for n in names if attributes.get(n) is not None), names[0])
    return count(attributes.get(name), name)


def _numbered(attributes: dict[str, Any]) -> list[Any] | None:
    """Messages whose parts are attributes of their own: `gen_ai.prompt.0.role`."""
    found: list[Any] = []
    while f"gen_ai.prompt.{len(found)}.role" in attributes:
        at = f"gen_ai.prompt.{len(found)}"
        content = attributes.get(f"{at}.content")
        if not isinstance(content, str):
            return None
        found.append({"role": attributes[f"{at}.role"], "content": content})
    return found or None


def _failed(status: Any) -> bool:
    said = status.get("code", status.get("status_code")) if isinstance(status, dict) else status
    return isinstance(said, int | str) and said in (2, "2", "ERROR", "STATUS_CODE_ERROR", "Error")


def _moment(span: dict[str, Any], which: str) -> int | None:
    """Nanoseconds since 1970. Raises `BadRowError` for what is no time."""
    for name in (f"{which}TimeUnixNano", f"{which}_time_unix_nano"):
        if span.get(name) not in (None, ""):
            try:
                ns = int(span[name])
            except (TypeError, ValueError, OverflowError):
                raise BadRowError(f"`{name}` is no time") from None
            if not 0 <= ns < FURTHEST:
                raise BadRowError(f"`{name}` is no time")
            return ns
    for name in (f"{which}_time", f"{which}Time"):
        said = span.get(name)
        if said in (None, ""):
            continue
        moment = time_of(said) if isinstance(said, str) else said if isinstance(said, int) else None
        # a bare number is of nanoseconds, as the SDKs write it: of any other unit it would be a day in 1970
        if moment is None or (isinstance(said, int) and not 10**17 < said < FURTHEST):
            raise BadRowError(f"`{name}` is no time")
        return moment
    return None


def _looks(head: Head) -> bool:
    keys = head.keys
    spans = {"spans", "resourceSpans", "resource_spans", "scopeSpans"}
    ids = {"span_id", "spanId", "context", "startTimeUnixNano", "start_time_unix_nano"}
    return bool(keys & spans) or ("attributes" in keys and bool(keys & ids))


OTEL = Format(
    "otel",
    "OpenTelemetry GenAI spans",
    ("resourceSpans", "spans", "span_id", "attributes", "start_time", "gen_ai.usage.input_tokens"),
    _looks,
    always(Facts(timed=True, clock=True)),
    read,
    cached="inside",
    linked=True,
)
