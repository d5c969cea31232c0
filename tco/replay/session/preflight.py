"""Before anything is measured: does the server answer, has it the model, does it make what it is asked for?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tco.replay.http import server
from tco.replay.http.client import Client, ServerError
from tco.replay.http.metrics import parse_metrics
from tco.replay.http.prompts import Bodies
from tco.replay.outcome import OK, Outcome, shown_status
from tco.replay.record.header import ServerFacts
from tco.traffic.request import Request

if TYPE_CHECKING:
    from tco.replay.http.target import Target

WARM_UP = 8
"""Requests before anything counts: the first ones after a start are slow."""
WARM_UP_TOKENS = 16
"""Output tokens of each: enough to see that the server makes as many as it is asked for."""
ADVICE = {
    400: "it does not take such a request: lists of token ids, `min_tokens` and `ignore_eos` are needed",
    401: "it asks for a key: give it in TCO_API_KEY, or by `--api-key`",
    403: "it asks for another key: give it in TCO_API_KEY, or by `--api-key`",
    404: "it has no such path: is this the URL before `/v1`?",
    422: "it does not take such a request: lists of token ids, `min_tokens` and `ignore_eos` are needed",
}
"""What to do about an HTTP status."""


class Unusable(Exception):
    """The server cannot be measured, why, and what to do."""


async def look(client: Client, target: Target, model: str | None) -> ServerFacts:
    """Ask the server what it is. Raises Unusable."""
    hidden = target.key.hide if target.key is not None else str
    try:
        served = [m._replace(id=hidden(m.id)) for m in await server.models(client)]
    except ServerError as problem:
        advice = ADVICE.get(problem.status or 0, "is it started, and is this its URL, without `/v1`?")
        raise Unusable(f"{problem}: {advice}") from None
    chosen = _chosen(served, model, target)
    page = await server.metrics_page(client)
    try:
        known = bool(page) and bool(parse_metrics(page or "", chosen.id).known())
    except ValueError:
        known = False
    software = await server.version(client)
    return ServerFacts(
        url=target.url,
        name=server.KNOWN.get(chosen.owner.lower(), server.UNKNOWN),
        version=hidden(software) if software else None,
        model=chosen.id,
        max_model_len=chosen.max_model_len,
        metrics=known,
        resets=await server.reset_prefix_cache(client),
        cache=server.cache_settings(hidden(page or "")),
    )


def _chosen(served: Sequence[server.Model], wanted: str | None, target: Target) -> server.Model:
    from tco.document import did_you_mean

    names = [m.id for m in served]
    if not all(name.isprintable() for name in names):
        raise Unusable(f"{target.url}: a model's name has characters that no terminal should be sent")
    if not served:
        raise Unusable(f"{target.url}: it serves no model")
    if wanted is None:
        if len(served) > 1:
            raise Unusable(f"{target.url}: it serves {', '.join(names)}: choose one by `--model`")
        return served[0]
    if wanted not in names:
        hint = did_you_mean(wanted, names)
        raise Unusable(
            f"{target.url}: it serves no model `{wanted}`, but {', '.join(names)}{'; ' if hint else ''}{hint}"
        )
    return served[names.index(wanted)]


async def warm_up(client: Client, bodies: Bodies, like: Sequence[Request], cores: int = 4) -> None:
    """A few requests of the trace's kind, some at once. Raises Unusable where one fails, with what to do.

    like: the first requests of what is to be replayed; recorded prompts are not sent.
    """
    zero = time.monotonic_ns()
    requests = [_stand_in(like[i % len(like)]) for i in range(WARM_UP)]

    async def one(index: int) -> Outcome:
        now = (time.monotonic_ns() - zero) // 1000
        return await client.send(index, now, bodies.of(index, requests[index]), zero)

    first = await one(0)
    _refuse(first)
    for start in range(1, WARM_UP, cores):
        for outcome in await asyncio.gather(*(one(i) for i in range(start, min(start + cores, WARM_UP)))):
            _refuse(outcome)


def _stand_in(request: Request) -> Request:
    """A request of the same length and kind with nothing recorded in it."""
    prompt = request.prompt
    if prompt is not None:
        prompt = "hello" if isinstance(prompt, str) else ({"role": "user", "content": "hello"},)
    made = min(request.output_tokens or WARM_UP_TOKENS, WARM_UP_TOKENS)
    return Request(at=0.0, input_tokens=request.input_tokens, output_tokens=made, prompt=prompt)


def _refuse(outcome: Outcome) -> None:
    """Say what a failed request of the warm-up means."""
    if outcome.status == OK:
        return
    code = f" ({outcome.detail})" if outcome.detail else ""
    said = f"a first request failed: {shown_status(outcome)}{code}"
    advice = {
        "http": ADVICE.get(outcome.http or 0, "look into its log"),
        "redirect": "redirects are not followed: give the address it leads to",
        "no usage": "it must count tokens in the stream (`stream_options.include_usage`)",
        "wrong length": "it must make as many tokens as it is asked for (`min_tokens`, `ignore_eos`)",
        "timeout": "give it more time by `--timeout`",
    }.get(outcome.status, "look into its log")
    raise Unusable(f"{said}: {advice}")
