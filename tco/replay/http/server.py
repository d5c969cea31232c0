"""The server as it describes itself: models, version, metrics, and whether its prefix cache can be emptied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tco.replay.http.client import ServerError
from tco.replay.http.metrics import Metrics, parse_metrics

if TYPE_CHECKING:
    from tco.replay.http.client import Client

KNOWN = {"vllm": "vLLM", "sglang": "SGLang", "transformers": "transformers serve"}
"""How servers sign (`owned_by` of their models), and what they are called."""
UNKNOWN = "unknown server"
RESETS = ("/reset_prefix_cache", "/flush_cache")
"""What empties a prefix cache: vLLM's (with `VLLM_SERVER_DEV_MODE=1`) and SGLang's."""
_CACHE_SETTINGS = ("block_size", "num_gpu_blocks", "gpu_memory_utilization", "cache_dtype", "enable_prefix_caching")
_CACHE_LINE = re.compile(r"^vllm:cache_config_info\{(?P<labels>.*)\}", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"\\]{1,40})"')
_WORD = re.compile(r"[^\x20-\x7e]")


class Model(NamedTuple):
    """A model that the server serves."""

    id: str
    max_model_len: int | None
    owner: str


async def models(client: Client) -> list[Model]:
    """What it serves. Raises ServerError, also where the answer is none of `/v1/models`."""
    answer = await client.get_json("/v1/models")
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise ServerError("its answer to /v1/models is no list of models: is it a server of the OpenAI protocol?")
    return [
        Model(row["id"], _length(row.get("max_model_len")), str(row.get("owned_by", "")))
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("id"), str)
    ]


def _length(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


async def version(client: Client) -> str | None:
    """Of the server's software; None where it does not say."""
    try:
        answer = await client.get_json("/version")
    except ServerError:
        return None
    found = answer.get("version") if isinstance(answer, dict) else None
    return _WORD.sub("?", found)[:60] if isinstance(found, str) and found else None


async def metrics_page(client: Client) -> str | None:
    """Its page of metrics; None where it has none."""
    try:
        return await client.get_text("/metrics")
    except ServerError:
        return None


async def metrics(client: Client, model: str) -> Metrics | None:
    """Its figures now; None where it has none that are known here."""
    page = await metrics_page(client)
    if page is None:
        return None
    try:
        found = parse_metrics(page, model)
    except ValueError:
        return None
    return found if found.known() else None


def cache_settings(page: str) -> dict[str, str]:
    """How its KV cache is set up, as far as its metrics tell."""
    line = _CACHE_LINE.search(page)
    labels = dict(_LABEL.findall(line["labels"])) if line else {}
    return {name: labels[name] for name in _CACHE_SETTINGS if name in labels and labels[name] != "None"}


async def reset_prefix_cache(client: Client) -> bool:
    """Whether it emptied its prefix cache, which few servers offer to."""
    for path in RESETS:
        try:
            if await client.post(path) == 200:
                return True
        except ServerError:
            return False
    return False
