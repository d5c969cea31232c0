"""Scenarios made up for tests: written as plain data, which the oracle reads as it is and the engine reads as YAML."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from oracle import Oracle

from tco.analysis.case import Case, build_case
from tco.catalog.meters import METERS
from tco.document import load_text

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell gives it to what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or no process that a test starts could be interrupted

Data = dict[str, Any]
D = Decimal

PAPER: Data = {"source": "made up for a test", "checked": "2026-11-01", "kind": "list price", "as_of": "2026-11-01"}

FROZEN: Data = {
    "models": {
        "plain": {"name": "Plain", "prices": [{**PAPER, "input_per_mtok": D("2.5"), "output_per_mtok": 10}]},
        "rich": {
            "name": "Rich",
            "prices": [
                {
                    **PAPER,
                    "input_per_mtok": D("1.3"), "output_per_mtok": D("7.9"), "cache_read_per_mtok": D("0.13"),
                    "cache_write_5m_per_mtok": D("1.7"), "cache_write_1h_per_mtok": D("2.9"),
                    "audio_input_per_mtok": 11, "reasoning_per_mtok": D("5.5"),
                    "long_context": {"above_tokens": 2000, "input_per_mtok": D("2.6"), "output_per_mtok": D("11.1"),
                                     "cache_read_per_mtok": D("0.26")},
                    "tiers": {
                        "batch": {"input_per_mtok": D("0.65"), "output_per_mtok": D("3.95"),
                                  "long_context": {"above_tokens": 2000, "input_per_mtok": 1, "output_per_mtok": 5}},
                        "priority": {"input_per_mtok": D("2.2"), "output_per_mtok": D("13.3"),
                                     "long_context": {"above_tokens": 999, "input_per_mtok": 5, "output_per_mtok": 21}},
                    },
                }
            ],
        },
    },
    "gpus": {
        "box": {
            "gpu": "X100", "gpus": 4,
            "prices": [
                {**PAPER, "region": "here", "term": "on_demand", "per_hour": D("9.2")},
                {**PAPER, "region": "there", "term": "on_demand", "per_hour": D("7.7")},
                {**PAPER, "region": "here", "term": "spot", "per_hour": D("3.1")},
            ],
        }
    },
    "endpoints": {
        "slice": {
            "gpu": "X100", "gpus": 1,
            "prices": [{**PAPER, "region": "here", "term": "on_demand", "per_hour": D("4.3")}],
        }
    },
    "people": {"engineer": {**PAPER, "role": "Engineer", "per_year": 143000, "loading": D("1.3")}},
    "capacity": {
        "known": {
            **PAPER, "kind": "measured", "model": "m", "gpu": "X100", "gpus_per_replica": 3, "objective": "p99 2 s",
            "requests_per_s": D("1.7"), "input_tokens": 900, "output_tokens": 300,
        }
    },
}  # fmt: skip


def yaml(value: Any, indent: str = "") -> str:
    """Plain data as YAML, a key a line, numbers in full."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{k}:{yaml(v, indent + '  ')}" for k, v in value.items())
    if isinstance(value, list) and value:
        if isinstance(value[0], dict):
            return "".join(f"\n{indent}-{yaml(v, indent + '  ')}" for v in value)
        return " [" + ", ".join(yaml(v).strip() for v in value) + "]"
    if isinstance(value, dict | list):
        return " {}" if isinstance(value, dict) else " []"
    if isinstance(value, bool):
        return f" {str(value).lower()}"
    if isinstance(value, str):
        return f' "{value}"' if value[:1] != "2" or value.count("-") != 2 else f" {value}"
    return f" {value}"


Build = Callable[..., Case]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Makes a case of plain data; `frozen/...` names an entry of a small catalogue, which a test may replace."""

    @cache
    def folder(text: str) -> Path:
        made = tmp_path_factory.mktemp("catalogue")
        (made / "frozen.yaml").write_text(text, encoding="utf-8")
        return made

    def case(data: Data, catalogue: Data = FROZEN) -> Case:
        text = yaml({"catalogs": [str(folder(yaml(catalogue)))], **data})
        return build_case(load_text(text, "scenario.yaml"), today=date(2026, 11, 21))

    return case


def oracle(data: Data) -> Oracle:
    """The oracle of a scenario's data; it calls meters what the engine's table calls them."""
    return Oracle(data, {"frozen": FROZEN}, {m.key: m.label for m in METERS})


# -- strategies ------------------------------------------------------------------------------------------------------


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def maybe(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    """A key that is there in half of the cases."""
    return st.one_of(st.just({}), values.map(lambda v: {key: v}))


def some_of(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    """Some of these keys."""
    return st.tuples(*(maybe(key, values) for key, values in keys.items())).map(
        lambda parts: {k: v for part in parts for k, v in part.items()}
    )


OVERHEAD = one_of({"retries": "3%"}, {"retries": "5%", "evaluation": D("0.125")}, {"shadow": "100%"})
MONEY = one_of("$0.3", "$1.07", "€2.2", "$3", "$7.77")


@st.composite
def sizes(draw: st.DrawFn) -> Data:
    """The sizes of a request: parts within their container."""
    cacheable, audio = draw(one_of(None, 120, 800, 1999)), draw(one_of(None, None, 77))
    text, output = draw(one_of(0, 1, 130, 1000, 2500)), draw(one_of(1, 90, 333))
    given: Data = {"input_tokens": text + (cacheable or 0) + (audio or 0), "output_tokens": output}
    if cacheable is not None:
        given["cacheable_input_tokens"] = cacheable
    if audio is not None:
        given["audio_input_tokens"] = audio
    return given


@st.composite
def workloads(draw: st.DrawFn, most_classes: int = 4, hours: int = 24) -> Data:
    """Traffic of one or several classes; `hours` bounds how many different hours a day has."""
    n = draw(st.integers(0, most_classes))
    found: Data = {"volume": "1000000 tokens/day"}
    if n:
        cuts = [draw(one_of("0%", "5%", "12.5%", "20%", "24.9%")) for _ in range(n - 1)]
        found["classes"] = {f"c{i}": {"share": share, **draw(sizes())} for i, share in enumerate([*cuts, "rest"])}
    else:
        found |= draw(sizes())
    few = st.lists(st.integers(0, 4), min_size=min(hours, 24), max_size=min(hours, 24)).filter(any)
    by_hour = few.map(lambda weights: {"by_hour": (weights * 24)[:24]})
    found |= draw(
        maybe("load", st.one_of(by_hour, one_of("10%", "20%", "12.5%").map(lambda s: {"peak_hour_share": s})))
    )
    return found | draw(maybe("overhead", OVERHEAD))


TOKENS = some_of(
    input_ratio=one_of(D("1.1"), D("0.87")),
    output_ratio=one_of(D("1.37"), D("0.8")),
    reasoning_tokens=one_of(50, D("7.5")),
    cache_hit_rate=one_of("30%", "100%", D("0.07")),
    overhead=OVERHEAD,
)
STANDING = some_of(
    people=one_of({"fte": D("0.25"), "cost": "$150000/year"}, {"fte": 2, "role": "frozen/engineer"}),
    fixed_costs=one_of({"logs": "$99.9/month"}, {"egress": "$0.4/hour", "support": "€12/day"}),
)


@st.composite
def api(draw: st.DrawFn) -> Data:
    """An API at a stated price or at the catalogue's."""
    stated = st.fixed_dictionaries({"input": MONEY, "output": MONEY}) | st.fixed_dictionaries({"blended": MONEY})
    with_cache = st.tuples(
        stated, some_of(cache_read=MONEY, cache_write_5m=MONEY, reasoning=MONEY, audio_input=MONEY)
    ).map(lambda pair: pair[0] | pair[1])
    price = with_cache.map(lambda p: {"price": {k: f"{v}/1M tokens" for k, v in p.items()}})
    rich = some_of(tier=one_of("priority", "batch"), batch_share=one_of("30%", "100%"), cache_ttl=one_of("5m", "1h"))
    model = one_of({"model": "frozen/plain"}) | rich.map(lambda keys: {"model": "frozen/rich", **keys})
    own = draw(some_of(markup=one_of(D("0.055"), "90%"), discount=one_of("12.5%")))
    return {"kind": "api", **draw(st.one_of(price, model)), **own, **draw(TOKENS), **draw(STANDING)}


MIX: st.SearchStrategy[Data] = st.just({}) | st.just({"input_tokens": 700, "output_tokens": 210})
RATES = st.one_of(
    st.tuples(one_of("0.4", "1.7", "6").map(lambda r: {"requests_per_s": D(r)}), MIX).map(lambda p: p[0] | p[1]),
    st.tuples(one_of(150, 1100).map(lambda r: {"output_tokens_per_s": r}), MIX).map(lambda p: p[0] | p[1]),
    st.tuples(one_of(900, D("3333.3")).map(lambda r: {"total_tokens_per_s": r}), MIX).map(lambda p: p[0] | p[1]),
    one_of({"prefill_tokens_per_s": 5000, "decode_tokens_per_s": 700}),
    st.just("frozen/known"),
)


@st.composite
def fleets(draw: st.DrawFn, *, bounded: bool = False) -> Data:
    """Replicas that follow the load: `bounded` ones can be full."""
    spare = draw(one_of(0, 0, 1, 2))
    replicas = draw(some_of(min=one_of(0, 1, 3), max=st.integers(spare + 3, spare + 7))) | {"spare": spare}
    if bounded:
        replicas["max"] = spare + draw(one_of(3, 4))
    keys = some_of(
        billing=one_of("autoscaled", "busy_hours"),
        target_utilisation=one_of("60%", D("0.85")),
        burst=one_of(D("1.5"), D("1.3")),
        billed_hours_per_month=one_of(176, 720),
    )
    return {"capacity": draw(RATES), "replicas": replicas, **draw(keys), **draw(TOKENS), **draw(STANDING)}


@st.composite
def self_hosted(draw: st.DrawFn, *, bounded: bool = False) -> Data:
    """GPUs at a price of one's own, or the catalogue's."""
    own = st.one_of(
        st.tuples(MONEY, maybe("gpus_per_server", one_of(1, 4, 8))).map(
            lambda p: {"gpu_price": f"{p[0]}/hour", **p[1]}
        ),
        one_of("$87500/year", "€3000/month").map(lambda p: {"server_price": p, "gpus_per_server": 8}),
        some_of(region=one_of("here", "there")).map(lambda keys: {"gpu": "frozen/box", **keys}),
        st.just({"gpu": "frozen/box", "term": "spot"}),
    )
    each = some_of(gpus_per_replica=one_of(1, 2, 3), cluster_overhead=one_of("30%", D("0.2")))
    found = {"kind": "self_hosted", **draw(own), **draw(each), **draw(fleets(bounded=bounded))}
    if found["capacity"] == "frozen/known" and "gpus_per_replica" in found:
        found["gpus_per_replica"] = 3  # what the profile was found on: fewer is an error
    return found


@st.composite
def dedicated(draw: st.DrawFn, *, bounded: bool = False) -> Data:
    """An endpoint by the hour, in units that are sold in lots."""
    price = MONEY.map(lambda m: {"unit_price": f"{m}/hour"}) | st.just({"endpoint": "frozen/slice"})
    lots = some_of(units_per_replica=one_of(1, 25), increment=one_of(1, 5, 10))
    return {"kind": "dedicated", **draw(price), **draw(lots), **draw(fleets(bounded=bounded))}


@st.composite
def fixed_fleets(draw: st.DrawFn) -> Data:
    """So many GPUs, whatever they can carry; or one figure for everything."""
    if draw(st.booleans()):
        return {"kind": "self_hosted", "gpu_price": "$2.2/hour", "replicas": draw(one_of(1, 2, 5)), **draw(STANDING)}
    all_in: Data = {
        "kind": "self_hosted",
        "all_in": draw(one_of("$9000/month", "$12.5/hour", "€200/day")),
        **draw(STANDING),
    }
    if draw(st.booleans()):
        all_in |= {"capacity": draw(RATES), "replicas": 2, **draw(some_of(billed_hours_per_month=one_of(176)))}
    return all_in


def by_class(classes: list[str], shares: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A share for all classes, or one for each of some."""
    return st.one_of(shares, st.dictionaries(st.sampled_from(classes), shares, min_size=1))


@st.composite
def hybrids(draw: st.DrawFn, classes: list[str], leaves: list[str], overflow: Data) -> Data:
    """A router or a cascade over these options."""
    share = one_of("0%", "10%", "33.3%", "70%", "100%")
    found: Data = {"kind": "hybrid", **draw(maybe("response_cache", by_class(classes, share)))}
    names = draw(st.lists(st.sampled_from(leaves), min_size=2, max_size=3, unique=True))
    if draw(st.booleans()):
        found["cascade"], found["escalate"] = names[:2], draw(by_class(classes, share))
    elif draw(st.booleans()):
        given = st.dictionaries(st.sampled_from(classes), one_of("20%", "45%"), min_size=1)
        found["routes"] = {**{name: draw(one_of("10%", "25%") | given) for name in names[:-1]}, names[-1]: "rest"}
    else:
        found["routes"] = dict(zip(names, ("40%", "60%", "0%"), strict=False))
    return found | draw(STANDING) | {"overflow": overflow}


@st.composite
def scenarios(draw: st.DrawFn, most_classes: int = 4, hours: int = 24) -> Data:
    """Every kind of option, and hybrids over them: some nested, some with a full fleet that overflows."""
    workload = draw(workloads(most_classes, hours))
    classes = list(workload.get("classes", {"request": None}))
    options: Data = {
        "api": draw(api()),
        "other": draw(api()),
        "fleet": draw(self_hosted(bounded=True)),
        "rented": draw(self_hosted()),
        "units": draw(dedicated()),
        "fixed": draw(fixed_fleets()),
    }
    to = draw(one_of("api", "other", "rented", "units"))
    options["mixed"] = draw(hybrids(classes, ["api", "fleet", "rented", "units"], draw(one_of({}, {"fleet": to}))))
    leaves = ["api", "other", "mixed", "fleet", "units", "fixed"]
    options["nested"] = draw(hybrids(classes, leaves, draw(one_of({}, {"fleet": to}))))
    whole = draw(some_of(traffic_days_per_month=one_of(30), billed_hours_per_month=one_of(720)))
    rates = {"EUR": {"usd": D("1.13"), "as_of": "2026-11-01", "source": "made up"}}
    return {**whole, "exchange_rates": rates, "workload": workload, "options": options}


def on_steps(data: Data, option: str, rough: Fraction, most: int = 3) -> list[Fraction]:
    """Volumes near a rough one at which the load of one of an option's fleets is exactly a multiple of its size."""
    slow = oracle(data)
    candidates = {}
    for h in slow.price(option, rough, above=True).hours:
        if h.busy.rise:
            k = max(1, round(h.busy.value / h.size))
            candidates[rough + (k * h.size - h.busy.value) / h.busy.rise] = (h.leaf, h.hour, k * h.size)

    def hits(volume: Fraction) -> bool:
        here = {(h.leaf, h.hour, h.busy.value) for h in slow.price(option, volume).hours}
        return candidates[volume] in here

    return [v for v in sorted(candidates)[:most] if v >= 1 and hits(v)]
