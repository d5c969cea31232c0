"""OpenAI batch files, and Anthropic's message batches: what was asked for, or what came of it. There are no times.

An input file has prompts; its `max_tokens` is a limit and no length, so how long answers were is not known. An output
file has lengths, and no prompts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tco.traffic.batch import Batch
from tco.traffic.formats.base import Facts, Format, Head, Pass, always
from tco.traffic.formats.messages import prompt_of
from tco.traffic.formats.rows import FAILED, BadRowError, One, gathered, text, values
from tco.traffic.formats.usage import usage_of

CALLS = ("/v1/chat/completions", "/v1/completions", "/v1/responses")
OK = 200


def read(job: Pass) -> Iterator[Batch]:
    """The requests as they stand."""
    for found in values(job):
        rows: list[One] = []
        for value, line in zip(found.values, found.lines, strict=True):
            try:
                rows.append(_one(value, job.prompts))
            except BadRowError as problem:
                job.tally.drop(str(problem), line, 1)
        if rows:
            job.tally.kept += len(rows)
            yield gathered(rows, found.size, timed=False)


def _one(row: Any, prompts: bool) -> One:
    if not isinstance(row, dict) or "custom_id" not in row:
        raise BadRowError("no `custom_id`")
    name = text(row["custom_id"])
    if "response" in row or row.get("error"):
        return _answered(row, name)
    if isinstance(row.get("result"), dict):
        return _result(row["result"], name)
    asked = row.get("body", row.get("params"))
    if not isinstance(asked, dict):
        raise BadRowError("neither `body`, `params`, `response` nor `result`")
    if "url" in row and row["url"] not in CALLS:
        raise BadRowError(f"no text: `{str(row['url'])[:40]}`")
    return _asked(asked, name, prompts)


def _asked(body: dict[str, Any], name: str | None, prompts: bool) -> One:
    said = next((body[key] for key in ("messages", "prompt", "input") if body.get(key)), None)
    tokens = None
    if isinstance(said, list) and all(isinstance(part, int) and not isinstance(part, bool) for part in said):
        tokens, prompt = len(said), None
    else:
        if isinstance(said, list) and all(isinstance(part, str) for part in said):
            raise BadRowError("several prompts in one request")
        prompt = prompt_of(said, body.get("instructions", body.get("system")))
        if prompt is None:
            raise BadRowError("no prompt that is text")
    return One(None, tokens, id=name, prompt=prompt if prompts else None, model=text(body.get("model")))


def _answered(row: dict[str, Any], name: str | None) -> One:
    response = row.get("response")
    if row.get("error") or not isinstance(response, dict) or response.get("status_code", OK) != OK:
        raise BadRowError(FAILED)
    body = response.get("body")
    if not isinstance(body, dict):
        raise BadRowError("no `body` in the response")
    return _used(body, name)


def _result(result: dict[str, Any], name: str | None) -> One:
    if result.get("type") != "succeeded" or not isinstance(result.get("message"), dict):
        raise BadRowError(FAILED)
    return _used(result["message"], name)


def _used(body: dict[str, Any], name: str | None) -> One:
    used = usage_of(body.get("usage"))
    if used.input_tokens is None:
        raise BadRowError("no `usage`")
    return One(None, *used, id=name, model=text(body.get("model")))


def _looks(head: Head) -> bool:
    return "custom_id" in head.keys and bool(head.keys & {"body", "params", "response", "result", "error"})


OPENAI_BATCH = Format(
    "openai-batch",
    "OpenAI batch JSONL",
    ("custom_id", "method", "url", "body", "response"),
    _looks,
    always(Facts(timed=False)),
    read,
    cached="inside; Anthropic's outside, and added",
)
