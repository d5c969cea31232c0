"""Scenarios in which everything meets: terms of APIs, billing of fleets, costs around them, traffic by the week."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from conftest import MONEY, Data, by_class, maybe, one_of, self_hosted, some_of
from hypothesis import strategies as st

D = Decimal
OFFICE = [0, 0, 0, 0, 0, 0, 1, 2, 4, 5, 5, 4, 3, 4, 5, 5, 4, 2, 1, 1, 0, 0, 0, 0]
NIGHT = [3, 3, 2, 1, 1, *[0] * 16, 1, 2, 3]
TWO_PEAKS = [1, 1, 1, 1, 2, 5, 5, 2, 1, 1, 3, 3, 6, 6, 3, 1, 1, 2, 2, 4, 1, 1, 1, 1]
DAYS: list[Any] = [
    "flat",
    {"peak_hour_share": "12.5%"},
    {"by_hour": OFFICE},
    {"by_hour": NIGHT},
    {"by_hour": TWO_PEAKS},
]
WEEKS: list[Any] = [
    {"by_hour": {"weekday": OFFICE, "weekend": NIGHT}},
    {"by_hour": [*TWO_PEAKS * 3, *OFFICE * 2, *[0] * 24, *NIGHT]},
]
LENGTHS = one_of(
    {"p50": 900, "p90": 2500, "max": 6000, "min": 700},
    {"min": 650, "p20": 2000, "p60": 2000, "max": 4100},
    {"histogram": {"1k": "60%", "2k": "15%", "5k": "25%"}},
    {"histogram": {"1.5k": "75%", "1.999k": "25%"}},
)


@st.composite
def traffic(draw: st.DrawFn, *, weekly: bool = True, one_load: bool = False, all_wait: bool = False) -> Data:
    """Classes with loads, lengths, calls and deadlines of their own."""
    loads = one_of(*DAYS, *(WEEKS if weekly else []))
    found: Data = {"volume": "1000000 tokens/day", "load": draw(loads)}
    classes = {}
    for i, share in enumerate([*draw(one_of([], ["30%"], ["12.5%", "45%"])), "rest"]):
        growing = draw(st.booleans())
        spread = draw(st.integers(0, 3)) == 0
        size = draw(LENGTHS) if spread else draw(one_of(300, 1100, 2000, 2001, 5000))
        c: Data = {"share": share, "input_tokens": size, "output_tokens": draw(one_of(40, 210, 700))}
        if draw(st.booleans()) and not (spread and "min" not in c["input_tokens"]):
            c["cacheable_input_tokens"] = draw(one_of(120, 300))
        if growing:
            c["calls_per_task"] = draw(one_of(2, 3, D("2.5"), D("7.5")))
            c |= draw(some_of(context_growth_tokens=one_of(150, 800)))
        c["batchable_share"] = "100%" if all_wait else draw(one_of("40%", "100%", D("0.07")))
        c["deadline"] = "36 h" if all_wait else draw(one_of("2 h", "200 min", "8 h", "24 h", "3 days"))
        if not one_load:
            c |= draw(maybe("load", loads))
        classes[f"c{i}"] = c
    found["classes"] = classes
    return found | draw(
        some_of(
            burst=one_of(D("1.25"), 2),
            overhead=one_of({"evaluation": "10%"}, {"shadow": "3%", "tests": D("0.015")}),
            bad_answer_costs=one_of("$5/request", "€0.4/request"),
            embeddings=st.fixed_dictionaries(
                {"query_tokens_per_request": one_of(30, D("12.5"))},
                optional={},
            )
            | st.fixed_dictionaries(
                {"chunks": one_of(50000), "tokens_per_chunk": one_of(400), "deploys_per_month": one_of(2, D("0.5"))},
                optional={"changed_share": one_of("10%"), "query_tokens_per_request": one_of(30)},
            ),
        )
    )


QUALITY = st.tuples(
    one_of(
        {}, {"undetected_failure_rate": "2%"}, {"undetected_failure_rate": "0.1%", "bad_answer_costs": "$3/request"}
    ),
    one_of({"failure_rate": "7%", "on_failure": "retry"}, {"failure_rate": "4%", "on_failure": "$0.05/request"}),
    one_of({}, {"review_share": "5%", "review": "€0.8/request"}),
).map(lambda parts: {k: v for part in parts for k, v in part.items()})
EMBEDDED = one_of(
    {"price": "$0.02/1M tokens"},
    {"price": "€0.13/1M tokens", "batch_price": "$0.01/1M tokens"},
    {"all_in": "$1.1/hour"},
)
AROUND = some_of(
    fixed_costs=one_of(
        {"logs": "$99.9/quarter", "tests": {"cost": "$5k", "every": "3 months"}},
        {"vectors": {"gb": 1500, "price": "$0.02/GB-month"}, "support": "€12/day"},
    ),
    usage_costs=one_of(
        {"egress": {"price": "$0.09/GB", "bytes_per_token": 4}, "guard": {"price": "$0.001/request"}},
        {"rerank": {"price": "€0.1/1M tokens", "tokens_per_request": 900},
         "log": {"price": "$0.5/1M tokens"}, "images": {"price": "$0.02/GB", "bytes_per_request": 300000}},
    ),
    one_offs=one_of({"tuning": "$8k"}, {"tuning": "$500", "exam": "€2k"}),
).flatmap(
    lambda found: maybe("amortise_months", one_of(12, 36)).map(lambda m: {**found, **m})
    if "one_offs" in found
    else st.just(found)
)  # fmt: skip
FEW = one_of({"fte": D("0.25"), "cost": "$150000/year"}, {"fte": 2, "role": "frozen/engineer"})
TEAM = one_of(
    {"fte": D("0.25"), "per_gpus": 8, "cost": "$150000/year"},
    {"fte": 1, "per_gpus": 3, "at_least": D("2.5"), "role": "frozen/engineer"},
)
COUNTS = some_of(
    input_ratio=one_of(D("1.1"), D("0.87")),
    output_ratio=one_of(D("1.37"), D("0.8")),
    reasoning_tokens=one_of(50, D("7.5")),
    cache_hit_rate=one_of("30%", "100%", D("0.07")),
    overhead=one_of({"evaluation": "30%"}, {"guard": D("0.2")}),
)


@st.composite
def termed_api(draw: st.DrawFn) -> Data:
    """An API with terms of business."""
    price = {"input": f"{draw(MONEY)}/1M tokens", "output": f"{draw(MONEY)}/1M tokens"}
    found: Data = draw(one_of({"price": price}, {"model": "frozen/rich"}))
    if "model" in found:
        found |= draw(one_of({}, {"batch_share": "30%"}, {"batch": True}, {"tier": "priority"}, {"cache_ttl": "1h"}))
    daily, monthly = one_of("3000000", "250000000"), one_of("90000000", "2000000000")
    quota = st.one_of(
        daily.map(lambda q: {"tokens": f"{q} tokens/day"}),
        monthly.map(lambda q: {"tokens": f"{q} tokens/month"}),
        st.tuples(daily, monthly).map(
            lambda q: {"input_tokens": f"{q[0]} tokens/day", "output_tokens": f"{q[1]} tokens/month"}
        ),
    )
    if draw(st.integers(0, 2)):
        found["free_quota"] = draw(quota)
    found |= draw(
        some_of(
            region_uplift=one_of("10%"),
            markup=one_of("5.5%"),
            discount=one_of("12.5%"),
            time_of_day=one_of(
                {"night": {"hours": "20-8", "discount": "40%"}},
                {"late": {"hours": "16:30-0:30", "discount": "50%"}, "noon": {"hours": [11, 12], "surcharge": "20%"}},
            ),
            commitment=one_of(
                {"spend": "$900/month"}, {"spend": "$120000/year", "discount": "10%", "overage": D("1.2")}
            ),
            tools=one_of(
                {"search": {"price": "$10/1k requests", "per_request": D("0.3"), "free": "45000 requests/month"}},
                {"search": {"price": "$0.01/request", "per_request": {"c0": 2}, "free": "1500 requests/day"}},
            ),
            seats=one_of({"count": 25, "price": "$30/seat-month"}),
            migrations=one_of({"cost": "$8k", "every": "18 months"}, {"cost": "€900", "every": "2 years"}),
            rate_limit=one_of(
                {"tokens_per_minute": 3000000, "hard": True, "refused": "5%"},
                {"requests_per_minute": 2500, "output_tokens_per_minute": 900000, "hard": True},
            ),
        )
    )
    levels = [{"above": "$300/month", "discount": "5%"}, {"above": "$12000/month", "discount": "22%"}]
    found |= draw(one_of({}, {"volume_discounts": levels}, {"all_units_discounts": levels}))
    if draw(st.booleans()):
        found["request_fee"] = draw(one_of("$1/1k requests", "$0.0004/request"))
        if "free_quota" in found:
            found["free_quota"] |= draw(
                one_of({}, {"requests": "100 requests/day"}, {"requests": "90000 requests/month"})
            )
    return {"kind": "api", **found, **draw(COUNTS), **draw(AROUND), **draw(some_of(people=FEW, quality=QUALITY))}


CAPACITY = one_of(
    {"requests_per_s": D("1.7")},
    {"output_tokens_per_s": 1100, "input_tokens": 700, "output_tokens": 210},
    {"total_tokens_per_s": D("3333.3")},
    {"prefill_tokens_per_s": 9000, "decode_tokens_per_s": 700},
    [{"requests_per_s": 6, "input_tokens": 500, "output_tokens": 100},
     {"requests_per_s": 2, "input_tokens": 900, "output_tokens": 400}],
)  # fmt: skip


@st.composite
def billed_fleet(draw: st.DrawFn, *, bounded: bool = False, window: bool = False) -> Data:
    """A fleet with terms of billing of its own."""
    spare = draw(one_of(0, 0, 1))
    bounds: Data = {"spare": spare, **draw(some_of(min=one_of(0, 1, 3)))}
    if bounded:
        bounds["max"] = spare + draw(one_of(3, 4))
    billing = draw(one_of("static", "static", "autoscaled", "busy_hours", *([] if bounded else ["busy_time"])))
    if window:
        billing = "batch_window"
    found: Data = {"billing": billing, "capacity": draw(CAPACITY), **draw(some_of(
        target_utilisation=one_of("60%", D("0.85")), availability=one_of("98%", D("0.9")), burst=one_of(D("1.5")),
        staging=one_of(1, 3), billed_hours_per_month=one_of(720, 1000),
    ))}  # fmt: skip
    if billing == "busy_time":
        found["wake_ups_per_day"] = draw(one_of(3, D("0.5")))
        found |= draw(
            one_of({"cold_start": "3 min"}, {"idle_timeout": "90 s"}, {"cold_start": "40 s", "idle_timeout": "3 min"})
        )
    else:
        found["replicas"] = bounds
        found |= draw(some_of(zones=one_of(2, 3)))
    if billing in ("autoscaled", "busy_hours", "batch_window"):
        found |= draw(maybe("cold_start", one_of("3 min", "20 min")))
    if billing == "batch_window":
        found |= {"window_hours_per_month": draw(one_of(120, 200))}
        found.pop("burst", None)
    if billing in ("static", "autoscaled") and not bounded:
        found |= draw(maybe("batch", one_of(True)))
    if draw(st.booleans()):
        found |= {"kind": "dedicated", **draw(one_of({"unit_price": "$4.1/hour"}, {"endpoint": "frozen/slice"}))}
        found |= draw(some_of(units_per_replica=one_of(1, 3), increment=one_of(1, 4)))
        least = {"min_units": 6}
    else:
        own = st.one_of(
            st.tuples(MONEY, maybe("gpus_per_server", one_of(4, 8))).map(
                lambda p: {"gpu_price": f"{p[0]}/hour", **p[1]}
            ),
            one_of("$87500/year").map(lambda p: {"server_price": p, "gpus_per_server": 8}),
            st.just({"gpu": "frozen/box", "region": "here"}),
        )
        found |= {"kind": "self_hosted", **draw(own)}
        found |= draw(some_of(gpus_per_replica=one_of(1, 2, 3), cluster_overhead=one_of("30%")))
        least = {"min_gpus": draw(one_of(5, 16))}
    if billing != "busy_time":
        found |= draw(one_of({}, least))
    if billing in ("static", "autoscaled") and draw(st.booleans()):
        found["reserved"] = {"replicas": draw(one_of(1, 2, 3)), "price": "$0.9/hour"}
    if draw(st.booleans()):
        found["spot"] = {"share": draw(one_of("40%", "100%")), "price": "$0.35/hour",
                         **draw(some_of(interruption_overhead=one_of("12.5%")))}  # fmt: skip
        if found.get("gpu") and draw(st.booleans()):
            del found["spot"]["price"]
    people = FEW if "endpoint" in found or "unit_price" in found or billing == "busy_time" else FEW | TEAM
    return {**found, **draw(COUNTS), **draw(AROUND), **draw(some_of(people=people, quality=QUALITY))}


@st.composite
def owned_fleet(draw: st.DrawFn) -> Data:
    """Servers that are bought."""
    owned: Data = {
        "price": draw(one_of("$325000", "€90000")), "gpus_per_server": draw(one_of(4, 8)),
        "life_years": draw(one_of(4, 5)),
        **draw(some_of(
            residual=one_of("15%"), cost_of_capital=one_of("9%"), networking=one_of("12.5%"), maintenance=one_of("6%"),
            software=one_of("$4500/year"), colocation=one_of("$1500/month"),
            power=one_of({"idle_watts": 1700, "busy_watts": 6900, "pue": D("1.3"), "price": "$0.12/kWh"}),
        )),
    }  # fmt: skip
    fleet: Data = {"kind": "self_hosted", "owned": owned, "capacity": draw(CAPACITY), **draw(some_of(
        replicas=one_of({"spare": 1, "min": 2}), zones=one_of(2), staging=one_of(2), gpus_per_replica=one_of(1, 3),
        target_utilisation=one_of("70%"), availability=one_of("95%"),
    ))}  # fmt: skip
    return {**fleet, **draw(COUNTS), **draw(AROUND), **draw(some_of(people=FEW | TEAM, quality=QUALITY))}


@st.composite
def routers(draw: st.DrawFn, classes: list[str], leaves: list[str], overflow: Data) -> Data:
    """A router or a cascade with costs of its own."""
    share = one_of("10%", "33.3%", "70%")
    found: Data = {"kind": "hybrid", "overflow": overflow, **draw(maybe("response_cache", by_class(classes, share)))}
    names = draw(st.lists(st.sampled_from(leaves), min_size=2, max_size=3, unique=True))
    if draw(st.booleans()):
        found["cascade"], found["escalate"] = names[:2], draw(by_class(classes, share))
    else:
        given = st.dictionaries(st.sampled_from(classes), one_of("20%", "45%"), min_size=1)
        found["routes"] = {**{name: draw(one_of("10%", "25%") | given) for name in names[:-1]}, names[-1]: "rest"}
    return {**found, **draw(AROUND), **draw(some_of(people=FEW))}


@st.composite
def meetings(draw: st.DrawFn, weekly: bool = True) -> Data:
    """Everything in one scenario, and hybrids over it: one nested and reached by two paths."""
    window = draw(st.integers(0, 5)) == 0
    workload = draw(traffic(weekly=weekly, all_wait=window))
    classes = list(workload["classes"])
    small = draw(self_hosted(bounded=True) | billed_fleet(bounded=True))
    options: Data = {
        "api": draw(termed_api()),
        "other": draw(termed_api()),
        "fleet": small,
        "rented": draw(billed_fleet()),
        "bought": draw(owned_fleet()),
        **({"nightly": draw(billed_fleet(window=True))} if window else {}),
    }
    leaves = ["api", "other", "fleet", "rented", "bought"]
    spills = draw(one_of({}, {"fleet": "api"}, {"fleet": "other"}))
    options["mixed"] = draw(routers(classes, leaves, spills))
    options["nested"] = draw(routers(classes, [*leaves, "mixed"], spills))
    if draw(st.booleans()):
        options["twice"] = {"kind": "hybrid", "routes": {"mixed": "25%", "nested": "rest"}}
    if "embeddings" in workload:
        same = draw(EMBEDDED)
        for name in options:
            options[name] |= draw(one_of({}, {"embeddings": same}))
    whole = draw(
        some_of(traffic_days_per_month=one_of(30), billed_hours_per_month=one_of(720), amortise_months=one_of(24))
    )
    rates = {"EUR": {"usd": D("1.13"), "as_of": "2026-11-01", "source": "made up"}}
    return {**whole, "exchange_rates": rates, "workload": workload, "options": options}
