"""What the server says of a run beside what the client counted, as a table."""

from __future__ import annotations

from tco.replay.session.crosscheck import CrossCheck
from tco.report.replay_numbers import NONE, significant
from tco.report.sheets import Column, Row, Sheet

COLUMNS = (Column("cross-check"), Column("server", number=True), Column("client", number=True), Column(""))


def server(c: CrossCheck) -> Sheet:
    """Tokens and prefix hits of both sides, then what the server alone knows. What it does not say has a dash."""
    rows = [
        Row(("input tokens", _whole(c.server_input), _whole(c.client_input), _apart(c.input_difference))),
        Row(("output tokens", _whole(c.server_output), _whole(c.client_output), _apart(c.output_difference))),
        Row(("prefix hit rate", _share(c.hit_rate), _share(c.client_hit_rate), _ideal(c.ideal_hit_rate))),
    ]
    if c.load is not None:
        waiting = f"mean {significant(c.load.mean_waiting)}" if c.load.mean_waiting is not None else ""
        rows += [
            Row(("most in its queue", _whole(c.load.most_waiting), "", waiting)),
            Row(("most running", _whole(c.load.most_running), "", "")),
            Row(("most of the KV cache", _share(c.load.most_kv_usage), "", "")),
        ]
    rows.append(Row(("preemptions", _whole(c.preemptions), "", "")))
    if c.power is not None:
        busy = NONE if c.power.utilisation is None else f"{_share(c.power.utilisation)} of the time busy"
        rows.append(Row(("watts of a GPU, busy", significant(c.power.busy_watts), "", busy)))
        rows.append(Row(("watts of a GPU, idle", significant(c.power.idle_watts), "", "")))
    notes = []
    if c.absent:
        notes.append((f"The server does not say: {', '.join(c.absent)}.", "dim"))
    return Sheet("Cross-check against the server", COLUMNS, tuple(rows), tuple(notes))


def _whole(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    """To a tenth of a point: two points are what is allowed."""
    return NONE if value is None else f"{value * 100:.1f} %"


def _apart(relative: float | None) -> str:
    if relative is None:
        return "not compared"
    return "equal" if not relative else f"server {relative * 100:+.2g} %"


def _ideal(rate: float | None) -> str:
    return "" if rate is None else f"ideal {_share(rate)}"
