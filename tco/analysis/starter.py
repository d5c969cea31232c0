"""A first scenario: about fifteen lines from a few answers. What nobody stated is marked `assumed`, line by line; what
matters of it stands in `assumptions` and so on the screen of `tco compare`.

It is compared once before anybody sees it, so that `tco compare` of it runs. An invoice becomes a volume through the
same line items that price the option: no price is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from itertools import islice
from typing import Any, NamedTuple

from tco.analysis.case import Case, build_case
from tco.analysis.compare import compare
from tco.analysis.ledger import ledger
from tco.catalog.store import LookupFault, Store
from tco.document import Faults, did_you_mean, load_text, nearest
from tco.fields import money_parser
from tco.lineitem import INVOICE, Exact
from tco.scenario.requirements import DATA_LEVELS
from tco.shipped import shipped
from tco.units import Flow, Money, UnitError, format_money, parse_count, parse_rate

SCHEMA = "scenario.schema.json"
"""The file that the first line names, for editors; it stands beside the scenario."""

MODELS = ("anthropic/claude-haiku-5.5", "groq/gpt-oss-120b")
PRIVATE_MODEL = "aws/bedrock-gpt-oss-120b"
"""Taken at a private provider where none of the stated models is to be had from one."""
PRIVATE = {"aws": "bedrock-", "azure": ""}
"""Providers that are reached inside a network of one's own, with what they put before the name of a model."""
VOLUME = "100k requests/month"
INPUT_TOKENS, OUTPUT_TOKENS = "1200", "300"
WHOLE = int(INPUT_TOKENS) + int(OUTPUT_TOKENS)
SPLIT = "the split as stated"
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
NO_GPUS = ("none", "no")
"""Answers to the question for a GPU that leave it out."""
HARDWARE, LIFE_YEARS = "hardware/h100-8x", "3"
ELECTRICITY = {"USD": "us/industrial", "EUR": "eu/non-household", "INR": "in/industrial"}
PUE = "data-centres/average"
CONTRADICTS = Fraction(10, 100)
"""An invoice further than this from what the stated volume costs is said to contradict it."""
LEVELS = {
    "public": "any API may read it",
    "dpa": "only under a processing agreement",
    "zero_retention": "the provider keeps no copy",
    "vpc": "inside your private cloud network",
    "on_premises": "on servers in your building",
}
"""What each level of data means, in five words."""
EXAMPLES = {
    "models": "anthropic/claude-haiku-4.5",
    "gpus": GPU,
    "capacity": next(iter(CAPACITY.values())),
}
_SHOWN_NEAR = 3

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
    """A first scenario: the text of its file, how many of its lines nobody stated, and what to say beside it."""

    text: str
    assumed: int
    notes: tuple[str, ...] = ()


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
            expected = f"a catalogue entry as FILE/ENTRY, see `tco prices list {section}`"
            raise UnitError(name, expected, _hint(section, name, store))
        try:
            spec = store.find(section, name).spec
        except LookupFault as missing:
            raise UnitError(None, missing.expected, missing.hint, missing.message) from None
        if section == "models" and _gone(spec, store):
            message = f"`{name}` was switched off on {spec.retires}"
            near = [n for n in _near(section, name.split("/")[1], store) if n != name]
            expected = "a model that is still served" + (f", such as {', '.join(near)}" if near else "")
            raise UnitError(None, expected, "", message)

    return look_up


def _gone(spec: Any, store: Store) -> bool:
    return getattr(spec, "retires", None) is not None and spec.retires <= store.as_of


def _hint(section: str, name: str, store: Store) -> str:
    """For a name without its file: what may be meant by it, else how a name of that section looks."""
    close = _near(section, name, store)
    if close:
        return "did you mean " + " or ".join(f"`{n}`" for n in close) + "?"
    return f"write it with the file it stands in, such as {EXAMPLES[section]}" if name else ""


def _near(section: str, entry: str, store: Store) -> list[str]:
    """Entries that are still sold and whose last part is near a text, best first, the defaults before others."""
    by_entry: dict[str, list[str]] = {}
    for stem, paths in store.files.items():
        for path in paths:
            found = store.read(path).data.get(section)
            for key in found if isinstance(found, dict) else ():
                by_entry.setdefault(key, []).append(f"{stem}/{key}")
    usual = (*MODELS, GPU, *CAPACITY.values(), *EXAMPLES.values())
    names = [n for key in nearest(entry, by_entry, len(by_entry)) for n in sorted(by_entry[key], key=_rank(usual))]
    alive = (n for n in sorted(names, key=_rank(usual)) if not _gone(store.find(section, n).spec, store))
    first = list(islice(alive, 4 * _SHOWN_NEAR))
    exact = [n for n in first if n.split("/")[1].casefold() == entry.casefold()]
    return (exact or first)[:_SHOWN_NEAR]


def _rank(usual: tuple[str, ...]) -> Callable[[str], int]:
    return lambda name: usual.index(name) if name in usual else len(usual)


def _gpu(name: str, store: Store) -> None:
    if name.casefold() not in NO_GPUS:
        _named("gpus")(name, store)


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
    "gpu": _gpu,
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
DRAFT = "what `tco init` would write"
"""Stands for the file in faults: there is none yet."""


def starter(answers: Answers, today: date) -> Starter:
    """The scenario of some answers, compared once. `UnitError` where they do not go together or what they make cannot
    be compared: it names the flag to change."""
    store = shipped_store(today)
    for key, text in _stated(answers):
        check(key, text, store)
    check_together(answers)
    currency = _currency(answers)
    traffic = _traffic(answers)
    facts: list[str] = []
    notes: list[str] = []
    if answers.invoice is not None:
        traffic = _of_invoice(answers, traffic, currency, store, facts, notes)
    text = _text(answers, traffic, currency, store, facts)
    try:
        compare(_case(text, today), draws=0)
    except Faults as problem:
        raise _of_flags(problem, text) from None
    marked = sum(ASSUMED in line.partition("   # ")[2] for line in text.splitlines())
    return Starter(text, marked, tuple(notes))


def check_together(answers: Answers) -> None:
    """`UnitError` where what is stated of GPUs and of data, each right by itself, does not go together."""
    if answers.gpu is not None and answers.gpu_price is not None:
        raise UnitError(None, "one of `--gpu` (a catalogue entry) and `--gpu-price` (your own)")
    if _no_gpus(answers) and answers.capacity is not None:
        raise UnitError(None, "no `--capacity` where there are no GPUs", "", "`--gpu none` has nothing to carry load")
    if answers.data != "on_premises":
        return
    if _no_gpus(answers):
        message = "without servers of your own nothing runs on your premises"
        raise UnitError(None, "no `--gpu none`, or another `--data`, such as vpc", "", message)
    if answers.gpu is not None or answers.gpu_price is not None:
        flag = "--gpu" if answers.gpu is not None else "--gpu-price"
        expected = f"no `{flag}`: servers of your own are written with what they cost to buy and power; or `--data vpc`"
        raise UnitError(None, expected, "", f"the GPUs of `{flag}` are rented: they do not stand on your premises")


def _no_gpus(answers: Answers) -> bool:
    return answers.gpu is not None and answers.gpu.casefold() in NO_GPUS


_FLAGS = {
    "volume": "--volume",
    "input_tokens": "--input-tokens",
    "output_tokens": "--output-tokens",
    "model": "--model",
    "gpu": "--gpu",
    "gpu_price": "--gpu-price",
    "capacity": "--capacity",
    "data": "--data",
    "requirements": "--data",
    "currency": "--currency",
}


def _of_flags(problem: Faults, text: str) -> UnitError:
    """Faults of a file that is not there yet, said of the flags that its lines come from; one a line."""
    lines = text.splitlines()
    said: dict[str, None] = {}
    expected = hint = ""
    for fault in problem.faults:
        line = lines[fault.line - 1] if fault.file == DRAFT and fault.line else ""
        keys = re.findall(r"(\w+):", line)
        flag = next((_FLAGS[key] for key in keys if key in _FLAGS), None)
        message = fault.message
        if "`workload`" in message:
            message, flag = "no tokens in a request", "--input-tokens, --output-tokens"
        before = f"{flag}: " if flag else "" if fault.file == DRAFT else f"{fault.file}:{fault.line}: "
        said[f"{before}{message}" + (f": `{fault.value}`" if fault.value else "")] = None
        expected = expected or fault.expected or f"another `{flag or '--model'}`"
        hint = hint or fault.hint
    return UnitError(None, _as_flags(expected), _as_flags(hint), _as_flags("; ".join(said)))


def _as_flags(text: str) -> str:
    """Keys of a scenario, named as the flags they are stated with."""
    return re.sub(r"`(\w+)`", lambda key: f"`{_FLAGS.get(key[1], key[1])}`", text)


def _stated(answers: Answers) -> list[tuple[str, str]]:
    single = [(k, v) for k, v in answers._asdict().items() if k != "models" and v is not None]
    return [*(("model", m) for m in answers.models), *single]


def _case(text: str, today: date) -> Case:
    return build_case(load_text(text, DRAFT, partial=True), today=today)


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
        requests = total / WHOLE
        why = f"{SPLIT}, the size {ASSUMED}"
    each = [_digits(flow.amount / requests) for flow in flows]
    whole = f"{total.numerator:,}" if total.denominator == 1 else _digits(total, 15)
    return _Traffic((f"{whole} tokens/month", ""), (each[0], why), (each[1], why))


def _digits(amount: Fraction, digits: int = 6) -> str:
    """Plain decimal notation to so many significant digits, whole numbers in full."""
    places = max(digits - len(str(int(amount))), 0) if amount >= 1 else digits
    text = f"{round(amount * 10**places):0{places + 1}d}"
    whole, part = (text[:-places], text[-places:].rstrip("0")) if places else (text, "")
    return f"{whole}.{part}" if part else whole


def _of_invoice(
    answers: Answers, traffic: _Traffic, currency: str, store: Store, facts: list[str], notes: list[str]
) -> _Traffic:
    """The volume that a month's invoice buys at list prices; where the volume is stated, only the two side by side.
    What is taken for granted goes to `facts`, what does not fit to `notes` too."""
    invoice = _INVOICE(answers.invoice)
    paid = invoice.amount
    if invoice.currency != currency:
        paid *= store.exchange_rate(invoice.currency).value / store.exchange_rate(currency).value
    model = (answers.models or MODELS)[0]
    if not answers.models:
        facts.append(f"the invoice is of {model}, as nobody stated a model")
    totals = any(isinstance(_size(t), Flow) for t in _sizes(answers) if t is not None)
    known = answers.volume is not None or totals
    here = traffic if known else traffic._replace(volume=("1M requests/month", ""))
    text = _text(answers, here, currency, store, [])
    try:
        case = _case(text, store.as_of)
        books = ledger(case.price(Exact())[next(iter(case.options))], case.volume())
    except Faults as problem:
        raise _of_flags(problem, text) from None
    billed = sum((e.exact for e in books.entries if e.category == INVOICE), Fraction(0))
    said = format_money(invoice.amount, invoice.currency)
    if known:
        at_list = format_money(billed, currency)
        if abs(paid - billed) <= CONTRADICTS * billed:
            side = f"{at_list} a month at list prices; the invoice was {said}"
            return traffic._replace(volume=(traffic.volume[0], side))
        facts.append(f"the stated traffic is {at_list} a month at list prices, and not the invoice of {said}")
        note = f"the stated traffic is {at_list} a month of {model} at list prices, and the invoice was {said}: "
        if paid < billed:
            off = f"{float(round((1 - paid / billed) * 100, 1)):g}%"
            note += f"if that is a discount, put `discount: {off}` on the option; else check the traffic"
        else:
            note += "check the traffic, or what else is on the invoice"
        notes.append(note)
        return traffic
    if not billed:
        raise UnitError(None, "a model that costs something: an invoice of it says nothing of the traffic")
    requests = round(paid / billed * 10**6)
    if requests < 1:
        raise UnitError(answers.invoice, "an invoice that buys one request at least")
    facts.append(f"the volume is what {said} buys at list prices of {store.as_of.isoformat()}")
    return traffic._replace(volume=(f"{requests:,} requests/month", "from the invoice"))


def _sizes(answers: Answers) -> tuple[str | None, str | None]:
    return answers.input_tokens, answers.output_tokens


class _Option(NamedTuple):
    """An option of the file: its keys with comments, and the model it runs."""

    name: str
    keys: list[tuple[str, str, str]]
    runs: str

    def lines(self) -> list[tuple[str, str]]:
        """A block of keys, so that each can have a comment; an API on one line."""
        api = self.keys[0][1] == "api"
        if not api:
            said = [(f"    {key}:{' ' if value else ''}{value}", why) for key, value, why in self.keys]
            return [(f"  {_scalar(self.name)}:", ""), *said]
        flow = ", ".join(f"{key}: {value}" for key, value, _ in self.keys)
        return [(f"  {_scalar(self.name)}: {{{flow}}}", ASSUMED if any(why for _, _, why in self.keys) else "")]


def _text(answers: Answers, traffic: _Traffic, currency: str, store: Store, facts: list[str]) -> str:
    """The file. `facts` of an invoice are put among its assumptions."""
    asked = answers.data if answers.data not in (None, "public") else None
    assumptions = [*_split(traffic), *facts]
    options = _apis(answers, asked, store, assumptions)
    if not _no_gpus(answers):
        options.append(_own(answers, asked, currency, store, assumptions))
    current = options[0]
    others = list(dict.fromkeys(o.name for o in options if o.runs != current.runs))
    if others:
        names = f"{', '.join(others[:-1])} and {others[-1]} run" if len(others) > 1 else f"{others[0]} runs"
        assumptions.append(f"{names} another model than {current.name}, and quality was not compared")
    lines: list[tuple[str, str]] = [
        (f"# yaml-language-server: $schema={SCHEMA}", ""),
        (f"# A first scenario. What nobody stated is marked `{ASSUMED}`: put your own in its place.", ""),
    ]
    if assumptions:
        lines.append(("assumptions:", ""))
        lines.extend((f"  - {_scalar(text)}", "") for text in assumptions)
    if currency != "USD":
        lines.append((f"currency: {currency}", ""))
    lines.append(("workload:", ""))
    for key, (value, why) in traffic._asdict().items():
        lines.append((f"  {key}: {_scalar(value)}", why))
    if asked is not None:
        lines.append((f"requirements: {{data: {asked}}}", ""))
    lines.append(("options:", ""))
    for option in options:
        lines.extend(option.lines())
    if answers.models or answers.invoice is not None:
        lines.append((f"current: {_scalar(current.name)}", "" if answers.models else ASSUMED))
    return "".join(f"{text}   # {why}\n" if why else f"{text}\n" for text, why in lines)


def _split(traffic: _Traffic) -> list[str]:
    """What nobody said of the traffic, as one assumption."""
    said = []
    if traffic.volume[1] == ASSUMED:
        said.append(traffic.volume[0])
    sizes = (("input", traffic.input_tokens), ("output", traffic.output_tokens))
    unknown = [f"{value} {which}" for which, (value, why) in sizes if ASSUMED in why]
    if traffic.input_tokens[1].startswith(SPLIT):
        said.append(f"{WHOLE} tokens a request")
    elif unknown:
        said.append(f"{' and '.join(unknown)} tokens a request")
    return [f"the traffic is {', '.join(said)}"] if said else []


def _apis(answers: Answers, asked: str | None, store: Store, assumptions: list[str]) -> list[_Option]:
    """The stated models; where data has a rule, the first with zero retention and one at a private provider too."""
    models = tuple(dict.fromkeys(answers.models)) or MODELS[: 1 if asked else None]
    note = "" if answers.models else ASSUMED
    entries = [m.split("/")[1] for m in models]
    options: list[_Option] = []

    def option(name: str, model: str, why: str, level: str | None) -> str:
        names = [o.name for o in options]
        unique = name if name not in names else f"{name}-{len(names)}"
        kept = [("data", level, ASSUMED)] if level else []
        keys = [("kind", "api", ""), ("model", _scalar(model), why), *kept]
        options.append(_Option(unique, keys, _plain(model)))
        return unique

    for model, entry in zip(models, entries, strict=True):
        name = entry if entries.count(entry) == 1 else model.replace("/", "-")
        option(name[:50], model, note, "public" if asked else None)
    if asked is None or asked == "on_premises":  # which none of what follows can meet
        return options
    agreed = option(f"{entries[0][:40]}-zero-retention", models[0], note, "zero_retention")
    private = next((p for m in models if (p := _private(m, store))), None)
    linked = option("private-endpoint", private or PRIVATE_MODEL, ASSUMED, "vpc")
    counted = f"{linked} counts" if _no_gpus(answers) else f"{linked} and rented GPUs count"
    assumptions.append(f"{agreed} is agreed to at list price, and {counted} as your own network")
    if private is None:
        which = " or ".join(dict.fromkeys(_plain(m) for m in models))
        assumptions.append(f"{linked} is {PRIVATE_MODEL}, as the catalogue has no {which} at a private provider")
    return options


def _plain(model: str) -> str:
    """The name of a model without its provider."""
    stem, entry = model.split("/")
    return entry.removeprefix(PRIVATE.get(stem, ""))


def _private(model: str, store: Store) -> str | None:
    """The same model at a private provider, where it is still served there."""
    for stem, before in PRIVATE.items():
        name = f"{stem}/{before}{_plain(model)}"
        try:
            spec = store.find("models", name).spec
        except LookupFault:
            continue
        if not _gone(spec, store):
            return name
    return None


def _own(answers: Answers, asked: str | None, currency: str, store: Store, assumptions: list[str]) -> _Option:
    """GPUs of one's own: what they cost, what they carry, who runs them."""
    paid, gpu, which = _paid(answers, asked, currency, store)
    known = answers.capacity or _profile(gpu)
    stated = answers.capacity is not None and (answers.gpu is not None or answers.gpu_price is not None)
    profile = store.find("capacity", known).spec
    role = ENGINEER.get(currency, ENGINEER["USD"])
    keys = [
        ("kind", "self_hosted", ""),
        *paid,
        ("capacity", _scalar(known), "" if answers.capacity else ASSUMED),
        ("people", f"{{fte: {FTE}, role: {role}}}", ASSUMED),
    ]
    name = "own-servers" if asked == "on_premises" else "own-gpus"
    what = "" if stated else f" is {profile.model} on {which},"
    assumptions.append(f"{name}{what} {'is ' if stated else ''}kept by {FTE} of an engineer ({role})")
    return _Option(name, keys, profile.model)


def _paid(
    answers: Answers, asked: str | None, currency: str, store: Store
) -> tuple[list[tuple[str, str, str]], str, str]:
    """The keys of what GPUs cost, the GPU, and both in words."""
    if asked == "on_premises":
        electricity = ELECTRICITY.get(currency, ELECTRICITY["USD"])
        keys = [
            ("owned", "", ""),
            ("  hardware", HARDWARE, ASSUMED),
            ("  life_years", LIFE_YEARS, ASSUMED),
            ("  power", f"{{price: {electricity}, pue: {PUE}}}", ASSUMED),
        ]
        return keys, store.find("hardware", HARDWARE).spec.gpu, f"{HARDWARE} bought for {LIFE_YEARS} years"
    if answers.gpu_price is not None:
        gpu = next(iter(CAPACITY))
        return [("gpu_price", _scalar(answers.gpu_price), "")], gpu, f"{gpu} at {answers.gpu_price}"
    name = answers.gpu or GPU
    return [("gpu", _scalar(name), "" if answers.gpu else ASSUMED)], store.find("gpus", name).spec.gpu, name


def _scalar(text: str) -> str:
    """A text as YAML reads it back: plain where that is the same, in quotes elsewhere."""
    try:
        data = load_text(f"a: {text}\n", "").data
        same = list(data) == ["a"] and (data["a"] == text or str(data["a"]) == text)
    except Faults:
        same = False
    return text if same else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
