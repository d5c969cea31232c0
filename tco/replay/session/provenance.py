"""Where a measurement comes from, as a profile tells it, put together from a journal's header and what was found."""

from __future__ import annotations

import re
from datetime import datetime

from tco.replay.objective import objectives_text
from tco.replay.profile.profile import About
from tco.replay.record.header import Header
from tco.replay.results import Capacity, Summary
from tco.replay.session.account import Account
from tco.replay.session.crosscheck import CrossCheck

NO_GPU = "no GPU is known: name it by `--gpu`, `--gpu CPU` where there is none"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._+-]+")


def gpu_of(header: Header, named: str | None = None) -> str | None:
    """The name of the GPU: as given now, as given at the start, as NVML has it."""
    return named or header.asked.gpu or (header.gpus.name if header.gpus else None)


def about(header: Header, account: Account, gpu: str, precision: str | None, name: str | None) -> About:
    """All that is known of it. The account's `found` must be a Summary or a Capacity."""
    asked, trace, server, check = header.asked, header.trace, header.server, account.check
    power = check.power if check is not None else None
    assert isinstance(account.found, Summary | Capacity)
    return About(
        name=name or default_name(header, gpu),
        at=datetime.fromisoformat(header.started),
        tco=header.version,
        model=server.model,
        gpu=gpu,
        objective=objectives_text(account.objectives),
        trace=trace.name,
        trace_sha256=trace.digest,
        rows=trace.used,
        engine=server.title,
        precision=precision or asked.precision,
        host=server.host,
        driver=header.gpus.driver if header.gpus else None,
        flags=tuple(f"{key}={value}" for key, value in server.cache.items()) or None,
        speedup=account.speedup,
        concurrency=account.concurrency,
        seeds=(asked.seed,),
        prefix_hit_rate=check.hit_rate if check is not None else None,
        ideal_prefix_hit_rate=check.ideal_hit_rate if check is not None else trace.parts[0].ideal_hit_rate,
        gpu_watts_busy=power.busy_watts if power is not None else None,
        gpu_watts_idle=power.idle_watts if power is not None else None,
        cross_check=None if check is None else cross_check_lines(check),
        journal=account.journal,
    )


def default_name(header: Header, gpu: str) -> str:
    """`llama-3.1-8b-h200-conversation_trace`: the model, the GPU and the trace, in letters that a name may have."""
    trace = header.trace.name.split(".")[0]
    parts = (header.server.model.rsplit("/", 1)[-1], gpu, trace)
    name = "-".join(filter(None, (_NOT_IN_A_NAME.sub("-", part).strip("-._+").lower() for part in parts)))
    return name[:60].rstrip("-._+")  # as long as a name may be


def cross_check_lines(check: CrossCheck) -> tuple[str, ...]:
    """What the server counted beside what the client did, equal or not."""
    found = []
    for words, client, server in (
        ("input", check.client_input, check.server_input),
        ("output", check.client_output, check.server_output),
    ):
        if server is not None:
            same = "as the client" if server == client else f"the client {client:,.0f}"
            found.append(f"{words} tokens: the server counted {server:,.0f}, {same}")
    if check.absent:
        found.append(f"not said by the server: {', '.join(check.absent)}")
    return (*found, *check.warnings)
