"""A first scenario: about fifteen lines from a few answers. What nobody stated is marked `assumed`, line by line.

It is compared once before anybody sees it, so that `tco compare` of it runs. An invoice becomes a volume through the
same line items that price the option: no price is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from tco.analysis.case import Case, build_case
from tco.analysis.compare import compare
from tco.analysis.ledger import ledger
from tco.catalog.store import LookupFault, Store
from tco.document import Faults, did_you_mean, load_text
from tco.fields import money_parser
from tco.lineitem import INVOICE, Exact
from tco.scenario.requirements import DATA_LEVELS
from tco.shipped import shipped
from tco.units import Flow, Money, UnitError, format_money, parse_count, parse_rate

SCHEMA = "scenario.schema.json"
"""The file that the first line names, for editors; it stands beside the scenario."""

MODELS = ("anthropic/claude-haiku-5.5", "groq/gpt-oss-120b")
PRIVATE_MODEL = "aws/bedrock-gpt-oss-120b"
VOLUME = "100k requests/month"
INPUT_TOKENS, OUTPUT_TOKENS = "1200", "300"
GPU = "nebius/h100"
CAPACITY = {
    "H100": "gpt-oss-120b/h100-2x-vllm-fp4",
    "H200": "gpt-oss-120b/h200-trtllm-fp4",
    "B200": "gpt-oss-120b/b200-vllm-fp4",
    "A100 80GB": "qwen3-32b/a100-80gb-4x-vllm-modelled",
    "L40S": "llama-3.1-8b/l40s-vllm-fp8-mlperf",
}
"""The profile assumed for a GPU; a price of one's own is taken to be for the first."""
ENGINEER = {"USD": "us/engineer-150k", "EUR": "eu/nl-engineer-senior-low", "INR": "in/engineer-low"}
FTE = "0.25"

_INVOICE = money_parser("", "month")
_GPU_PRICE = money_parser("hour", "gpu_hour", "day", "month", "year")
_TOKENS = "tokens of a request, such as 1200, or of all of them, such as 1.9B tokens/month"
_CURRENCY = "a currency code such as USD, EUR or INR"


class Answers(NamedTuple):
    """What somebody stated, as typed; None, or no models, for what nobody did."""

    models: tuple[str, ...] = ()
    volume: str | None = None
    invoice: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    gpu: str | None = None
    gpu_price: str | None = None
    capacity: str | None = None
    data: str | None = None
    currency: str | None = None


class Starter(NamedTuple):
    """A first scenario: the text of its file, and how many of its numbers and names nobody stated."""

    text: str
    assumed: int


def shipped_store(today: date) -> Store:
    """The shipped catalogues: the names an answer can be."""
    return Store([shipped("pricing")], today)


def check(key: str, text: str, store: Store) -> None:
    """Read an answer as the scenario's key would be; `UnitError` with what is wrong."""
    if text.splitlines() != [text] or not text.isprintable():
        raise UnitError(text, "one line of text")
    if key in _READ:
        _READ[key](text)
    else:
        _LOOKED_UP[key](text, store)


def check_traffic(answers: Answers) -> None:
    """`UnitError` where volume and sizes, each right by itself, do not go together."""
    _traffic(answers)


def assumed_capacity(gpu: str, store: Store) -> str:
    """The profile assumed for a GPU of the catalogue; `UnitError` where there is none to assume."""
    return _profile(store.find("gpus", gpu).spec.gpu)


def _profile(gpu: str) -> str:
    known = next((profile for of, profile in CAPACITY.items() if gpu.startswith(of)), None)
    if known is None:
        message = f"no profile to assume for {gpu}"
        raise UnitError(None, "`--capacity NAME`, see `tco prices list capacity`", "", message)
    return known


def is_money(text: str) -> bool:
    """Whether a text is meant as money, right or wrong: it has a currency in it."""
    return re.search(r"[$€₹£]|\b[A-Z]{3}\b", text) is not None


def _named(section: str) -> Callable[[str, Store], None]:
    def look_up(name: str, store: Store) -> None:
        if name.count("/") != 1:
            raise UnitError(name, f"a catalogue entry as FILE/ENTRY, see `tco prices list {section}`", _hint(name))
        try:
            store.find(section, name)
        except LookupFault as missing:
            raise UnitError(None, missing.expected, missing.hint, missing.message) from None

    def _hint(name: str) -> str:
        return "write it with the file it stands in, such as anthropic/claude-haiku-4.5" if name else ""

    return look_up


def _size(text: str) -> Fraction | Flow:
    """Tokens of a request, or of all requests of a time."""
    if not re.search(r"/|tok|per|req", text):
        return parse_count(text)
    flow = parse_rate(text)
    if flow.unit != "tokens" or flow.per != "month":
        raise UnitError(text, _TOKENS)
    return flow


def _data_level(text: str) -> None:
    if text not in DATA_LEVELS:
        raise UnitError(text, "one of " + ", ".join(DATA_LEVELS), did_you_mean(text, DATA_LEVELS))


def _known_currency(text: str, store: Store) -> None:
    if not re.fullmatch("[A-Z]{3}", text):
        raise UnitError(text, _CURRENCY, did_you_mean(text, ENGINEER))
    try:
        store.exchange_rate(text)
    except LookupFault as missing:
        raise UnitError(None, missing.expected, missing.hint, missing.message) from None


def _money(parse: Callable[[str], Money]) -> Callable[[str, Store], None]:
    return lambda text, store: _known_currency(parse(text).currency, store)


_READ: Mapping[str, Callable[[str], object]] = {
    "volume": parse_rate,
    "input_tokens": _size,
    "output_tokens": _size,
    "data": _data_level,
}
_LOOKED_UP: Mapping[str, Callable[[str, Store], None]] = {
    "model": _named("models"),
    "invoice": _money(_INVOICE),
    "gpu": _named("gpus"),
    "gpu_price": _money(_GPU_PRICE),
    "capacity": _named("capacity"),
    "currency": _known_currency,
}


class _Traffic(NamedTuple):
    """The lines of the workload: a value and, where it needs one, a comment."""

    volume: tuple[str, str]
    input_tokens: tuple[str, str]
    output_tokens: tuple[str, str]


ASSUMED = "assumed"


def starter(answers: Answers, today: date) -> Starter:
    """The scenario of some answers, compared once. `UnitError` where they do not go together, `Faults` where what they
    make cannot be compared."""
    store = shipped_store(today)
    for key, text in _stated(answers):
        check(key, text, store)
    if answers.gpu is not None and answers.gpu_price is not None:
        raise UnitError(None, "one of `--gpu` (a catalogue entry) and `--gpu-price` (your own)")
    currency = _currency(answers)
    traffic = _traffic(answers)
    if answers.invoice is not None:
        traffic = _of_invoice(answers, _INVOICE(answers.invoice), traffic, currency, store)
    text = _text(answers, traffic, currency, store)
    compare(_case(text, today), draws=0)
    return Starter(text, sum(ASSUMED in line.partition("   # ")[2] for line in text.splitlines()))


def _stated(answers: Answers) -> list[tuple[str, str]]:
    single = [(k, v) for k, v in answers._asdict().items() if k != "models" and v is not None]
    return [*(("model", m) for m in answers.models), *single]


def _case(text: str, today: date) -> Case:
    return build_case(load_text(text, "scenario.yaml", partial=True), today=today)


def _currency(answers: Answers) -> str:
    """As stated; else that of the money that was stated, where it is one."""
    if answers.currency is not None:
        return answers.currency
    used = {_GPU_PRICE(answers.gpu_price).currency} if answers.gpu_price is not None else set()
    used |= {_INVOICE(answers.invoice).currency} if answers.invoice is not None else set()
    return used.pop() if len(used) == 1 else "USD"


def _traffic(answers: Answers) -> _Traffic:
    """Volume and sizes, the invoice aside."""
    default = (INPUT_TOKENS, OUTPUT_TOKENS)
    texts = _sizes(answers)
    sizes = [None if text is None else _size(text) for text in texts]
    flows = [size for size in sizes if isinstance(size, Flow)]
    volume = (VOLUME, ASSUMED) if answers.volume is None else (answers.volume, "")
    if not flows:
        said = [(text, "") if text is not None else (d, ASSUMED) for text, d in zip(texts, default, strict=True)]
        return _Traffic(volume, *said)
    if len(flows) != len(sizes):
        raise UnitError(None, "`--input-tokens` and `--output-tokens` both a month, or both of a request")
    total = sum((flow.amount for flow in flows), Fraction(0))
    stated = None if answers.volume is None else parse_rate(answers.volume)
    if not total or (stated is not None and (stated.unit, stated.per) != ("requests", "month")):
        raise UnitError(None, "beside tokens a month `--volume` in requests/month, such as 2M requests/month")
    if stated is not None and stated.amount:
        requests, why = Fraction(stated.amount), "of the tokens a month"
    else:  # the ratio is known, the size of a request is not
        requests = total / (int(INPUT_TOKENS) + int(OUTPUT_TOKENS))
        why = f"the split as stated; {int(INPUT_TOKENS) + int(OUTPUT_TOKENS)} tokens a request {ASSUMED}"
    each = [_digits(flow.amount / requests) for flow in flows]
    whole = f"{total.numerator:,}" if total.denominator == 1 else _digits(total, 15)
    return _Traffic((f"{whole} tokens/month", ""), (each[0], why), (each[1], why))


def _digits(amount: Fraction, digits: int = 6) -> str:
    """Plain decimal notation to so many significant digits, whole numbers in full."""
    places = max(digits - len(str(int(amount))), 0) if amount >= 1 else digits
    text = f"{round(amount * 10**places):0{places + 1}d}"
    whole, part = (text[:-places], text[-places:].rstrip("0")) if places else (text, "")
    return f"{whole}.{part}" if part else whole


def _of_invoice(answers: Answers, invoice: Money, traffic: _Traffic, currency: str, store: Store) -> _Traffic:
    """The volume that a month's invoice buys at list prices; where the volume is stated, only the two side by side."""
    paid = invoice.amount
    if invoice.currency != currency:
        paid *= store.exchange_rate(invoice.currency).value / store.exchange_rate(currency).value
    totals = any(isinstance(_size(t), Flow) for t in _sizes(answers) if t is not None)
    known = answers.volume is not None or totals
    here = traffic if known else traffic._replace(volume=("1M requests/month", ""))
    case = _case(_text(answers, here, currency, store), store.as_of)
    books = ledger(case.price(Exact())[next(iter(case.options))], case.volume())
    billed = sum((e.exact for e in books.entries if e.category == INVOICE), Fraction(0))
    said = format_money(invoice.amount, invoice.currency)
    if known:
        at_list = format_money(billed, currency)
        return traffic._replace(volume=(traffic.volume[0], f"{at_list} a month at list prices; the invoice was {said}"))
    if not billed:
        raise UnitError(None, "a model that costs something: an invoice of it says nothing of the traffic")
    requests = round(paid / billed * 10**6)
    if requests < 1:
        raise UnitError(answers.invoice, "an invoice that buys one request at least")
    day = store.as_of.isoformat()
    split = "" if all(t is not None for t in _sizes(answers)) else f" and the {ASSUMED} split below"
    return traffic._replace(volume=(f"{requests:,} requests/month", f"what {said} buys at list prices of {day}{split}"))


def _sizes(answers: Answers) -> tuple[str | None, str | None]:
    return answers.input_tokens, answers.output_tokens


def _token_texts(answers: Answers) -> list[str]:
    return [t for t in _sizes(answers) if t is not None]


def _text(answers: Answers, traffic: _Traffic, currency: str, store: Store) -> str:
    """The file. An option is a block of keys, so that each can have a comment."""
    lines: list[tuple[str, str]] = [
        (f"# yaml-language-server: $schema={SCHEMA}", ""),
        (f"# A first scenario. What nobody stated is marked `{ASSUMED}`: put your own in its place.", ""),
    ]
    if currency != "USD":
        lines.append((f"currency: {currency}", ""))
    lines.append(("workload:", ""))
    for key, (value, why) in traffic._asdict().items():
        lines.append((f"  {key}: {_scalar(value)}", why))
    asked = answers.data if answers.data not in (None, "public") else None
    if asked is not None:
        lines.append((f"requirements: {{data: {asked}}}", ""))
    lines.append(("options:", ""))
    names: list[str] = []

    def option(name: str, *keys: tuple[str, str, str]) -> str:
        unique = name if name not in names else f"{name}-{len(names)}"
        names.append(unique)
        lines.append((f"  {_scalar(unique)}:", ""))
        lines.extend((f"    {key}: {value}", why) for key, value, why in keys)
        return unique

    models = tuple(dict.fromkeys(answers.models)) or MODELS[: 1 if asked else None]
    note = "" if answers.models else ASSUMED
    entries = [m.split("/")[1] for m in models]
    for model, entry in zip(models, entries, strict=True):
        kept = [("data", "public", f"{ASSUMED}: nothing else is agreed with the provider")] if asked else []
        name = entry if entries.count(entry) == 1 else model.replace("/", "-")
        option(name[:50], ("kind", "api", ""), ("model", _scalar(model), note), *kept)
    current = names[0]
    if asked is not None:
        level = ("data", "zero_retention", f"{ASSUMED}: the provider agrees to it at the same price")
        option(f"{entries[0][:40]}-zero-retention", ("kind", "api", ""), ("model", _scalar(models[0]), note), level)
        level = ("data", "vpc", f"{ASSUMED}: reached through a private link from your network")
        option("private-endpoint", ("kind", "api", ""), ("model", PRIVATE_MODEL, ASSUMED), level)
    option("own-gpus", ("kind", "self_hosted", ""), *_gpus(answers, asked, currency, store))
    if answers.models or answers.invoice is not None:
        lines.append((f"current: {_scalar(current)}", "" if answers.models else ASSUMED))
    return "".join(f"{text}   # {why}\n" if why else f"{text}\n" for text, why in lines)


def _gpus(answers: Answers, asked: str | None, currency: str, store: Store) -> list[tuple[str, str, str]]:
    """The keys of one's own GPUs: what they cost, what they carry, who runs them."""
    if answers.gpu_price is not None:
        paid, gpu = ("gpu_price", _scalar(answers.gpu_price), ""), next(iter(CAPACITY))
    else:
        name = answers.gpu or GPU
        paid, gpu = ("gpu", _scalar(name), "" if answers.gpu else ASSUMED), store.find("gpus", name).spec.gpu
    if answers.capacity is not None:
        carried = ("capacity", _scalar(answers.capacity), "")
    else:
        known = _profile(gpu)
        profile = store.find("capacity", known).spec
        of = f"{profile.gpus_per_replica} x {profile.gpu} run {profile.model}"
        carried = ("capacity", known, f"{ASSUMED}: {of}; is it good enough for you?")
    role = ENGINEER.get(currency, ENGINEER["USD"])
    keys = [paid, carried, ("people", f"{{fte: {FTE}, role: {role}}}", ASSUMED)]
    if asked == "on_premises":
        keys.append(("data", "on_premises", f"{ASSUMED}: the GPUs stand on your premises at that price"))
    return keys


def _scalar(text: str) -> str:
    """A text as YAML reads it back: plain where that is the same, in quotes elsewhere."""
    try:
        data = load_text(f"a: {text}\n", "").data
        same = list(data) == ["a"] and (data["a"] == text or str(data["a"]) == text)
    except Faults:
        same = False
    return text if same else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
