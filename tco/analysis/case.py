"""A case: a scenario read, checked and ready to be priced. All faults of scenario and catalogues are found together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tco.calendar import MONTHS_PER_YEAR
from tco.catalog.store import LookupFault, Reading, Store
from tco.document import Document, Fault, Faults, did_you_mean, load, validate
from tco.lineitem import Figure, Numbers
from tco.options.assembly import Assembled, Assembly
from tco.options.base import At, Context, Notes, Unusable, home_of
from tco.options.kinds import kind, kinds
from tco.quantity import Number
from tco.scenario.model import Scenario
from tco.scenario.variant import with_variant
from tco.shipped import shipped, shown
from tco.units import Flow, UnitError
from tco.workload.demand import REQUEST, Traffic, traffic
from tco.workload.model import share_or_rest, shares_problem


class Case(NamedTuple):
    """A scenario with its options by kind, its traffic as figures, and its catalogues."""

    scenario: Scenario
    document: Document
    traffic: Traffic
    options: Mapping[str, tuple[ModuleType, At]]
    store: Store
    hours: Figure
    overhead: Mapping[str, Figure]
    rates: Mapping[str, Figure]
    variant: str | None

    @property
    def candidates(self) -> list[str]:
        """The options that are compared, in the scenario's order."""
        return [name for name, (_, at) in self.options.items() if at.spec.candidate]

    @property
    def title(self) -> str:
        """The scenario's name, its file's without one, and the variant."""
        name = self.scenario.name or self.document.path.stem
        return f"{name} ({self.variant})" if self.variant else name

    def label(self, option: str) -> str:
        """The longer name of an option; its key without one."""
        return self.options[option][1].spec.label or option

    @property
    def stated_volume(self) -> str:
        """The planned volume as the scenario has it: a number with its unit, or the ends of a range."""
        volume = self.document.data["workload"]["volume"]
        return " to ".join(map(str, volume.values())) if isinstance(volume, dict) else str(volume)

    def volume(self) -> Fraction:
        """The planned volume, tokens per day."""
        return self.to_volume(self.scenario.workload.volume)

    def to_volume(self, flow: Flow) -> Fraction:
        """A stated flow of tokens or requests as tokens per day."""
        days = self.traffic.days_per_month.value
        per_day = {
            "second": Fraction(86400),
            "minute": Fraction(1440),
            "hour": Fraction(24),
            "day": Fraction(1),
            "month": 1 / days,
            "year": 1 / (days * MONTHS_PER_YEAR),
        }[flow.per]
        amount = flow.amount * per_day
        return amount if flow.unit == "tokens" else amount * self.traffic.mean_tokens

    def volume_in(self, n: Numbers) -> Number:
        """The planned volume in the numbers of n: a range of it, or of what turns requests into tokens, is drawn."""
        return self.flow_in(n, self.scenario.workload.volume, "workload", "volume")

    def flow_in(self, n: Numbers, flow: Flow, *steps: str | int) -> Number:
        """A flow that is stated at these keys as tokens per day, in the numbers of n."""
        stated = Figure("volume", flow.amount, "", home_of(self.document, steps))
        if flow.per in ("month", "year"):  # of days that may themselves be a range
            amount = n(stated) / n(self.traffic.days_per_month) / (MONTHS_PER_YEAR if flow.per == "year" else 1)
        else:
            amount = n(stated) * n(self.to_volume(flow._replace(amount=Fraction(1), unit="tokens")))
        return amount if flow.unit == "tokens" else amount * self.traffic.mean(n)

    def context(self, n: Numbers, notes: Notes | None = None) -> Context:
        """What pricing an option in the numbers of `n` needs."""
        return Context(
            n,
            self.store,
            self.scenario.currency,
            self.rates,
            self.hours,
            self.overhead,
            self.traffic.burst,
            notes or Notes(),
            At("", self.scenario, self.document, ()),
        )

    def price(self, n: Numbers, notes: Notes | None = None) -> dict[str, Assembled]:
        """Every option's line items in the numbers of `n`. `Faults` when any cannot be priced, all at once."""
        context = self.context(n, notes)
        faults: list[Fault] = []
        result: dict[str, Assembled] = {}
        whole = self.traffic.demand(n)
        for name in self.options:
            try:
                result[name] = Assembly(self.options, context).assemble(name, whole)
            except (Unusable, Faults) as problem:
                faults += problem.faults
        if faults:
            raise Faults(list(dict.fromkeys(faults)))
        return result

    def inputs(self) -> dict[str, str]:
        """Every file that was read, with the digest of its text."""
        documents = {str(d.path): d for d in (self.document, *self.store.documents)}
        return {path: sha256(d.raw).hexdigest() for path, d in sorted(documents.items())}


def document_of(scenario: str) -> Document:
    """The scenario file of this path, or the shipped scenario of this name. `Faults` when there is neither."""
    path = Path(scenario)
    if not path.exists() and path.name == scenario and not path.suffix:
        inside = shipped("scenarios") / f"{scenario}.yaml"
        known = sorted(p.stem for p in shipped("scenarios").glob("*.yaml"))
        if not inside.exists():
            hint = did_you_mean(scenario, known)
            expected = "a file, or one of the shipped scenarios " + ", ".join(known)
            raise Faults([Fault(scenario, 0, 0, "no such scenario", expected, hint)])
        path = inside
    document = load(path, partial=True)
    return replace(document, path=shown(document.path))


def read_case(scenario: str, variant: str | None = None, today: date | None = None) -> Case:
    """Read a scenario, with the changes of a variant; `Faults` with everything that is wrong."""
    document = document_of(scenario)
    return build_case(with_variant(document, variant) if variant else document, variant, today)


def build_case(
    document: Document,
    variant: str | None = None,
    today: date | None = None,
    catalogues: Callable[[date], Store] | None = None,
    reading: Reading | None = None,
) -> Case:
    """A case from a document that is read; with `catalogues` as of a day, else with those it names beside it, of which
    `reading` holds what has been read for other cases."""
    faults: list[Fault] = []
    scenario: Scenario | None = None
    try:
        scenario = validate(Scenario, document.data, document)
    except Faults as problem:
        faults += problem.faults
    faults += _shares(document)
    options = _options(document, faults)
    if scenario is not None and "USD" in scenario.exchange_rates:
        faults.append(document.fault(("exchange_rates", "USD"), "rates are in US dollars", expected="another currency"))
    if scenario is not None:
        faults += _reference_api(scenario, document, options)
        faults += _current(scenario, document, options)
        faults += _gate(scenario, document)
    as_of = (scenario.as_of if scenario else None) or today or date.today()
    store = catalogues(as_of) if catalogues is not None else Store(_folders(document, faults), as_of, reading=reading)
    faults += _references(options, store)
    if faults or document.faults or scenario is None:
        raise Faults(every_fault(document, faults))
    days = _convention(document, "traffic_days_per_month", scenario.traffic_days_per_month, "days/month")
    hours = _convention(document, "billed_hours_per_month", scenario.billed_hours_per_month, "hours/month")
    homes = {
        ".".join(str(p) for p in (path[2:] if path[1] == "classes" else (REQUEST, *path[1:]))): home_of(document, path)
        for path in document.marks
        if len(path) >= 2 and path[0] == "workload"
    }
    overhead = {
        k: Figure(f"overhead: {k}", v, "of served requests", home_of(document, ("workload", "overhead", k)))
        for k, v in scenario.workload.overhead.items()
    }
    rates = {
        c: Figure(f"1 {c}", r.usd, "USD", home_of(document, ("exchange_rates", c), r.source, r.as_of.isoformat()))
        for c, r in scenario.exchange_rates.items()
    }
    case = Case(
        scenario, document, traffic(scenario.workload, days, homes), options, store, hours, overhead, rates, variant
    )
    if not case.candidates:
        faults.append(
            document.fault(("options",), "no option is a candidate", expected="one without `candidate: false`")
        )
    if case.volume() < 1:
        faults.append(document.fault(("workload", "volume"), "less than one token a day", expected="more traffic"))
    if faults:
        raise Faults(faults)
    return case


def _convention(document: Document, key: str, value: Fraction, unit: str) -> Figure:
    return Figure(key, value, unit, home_of(document, (key,)))


def _options(document: Document, faults: list[Fault]) -> dict[str, tuple[ModuleType, At]]:
    """Every option validated by its kind; what is wrong goes to `faults`."""
    raw = document.data.get("options")
    result: dict[str, tuple[ModuleType, At]] = {}
    for name, content in raw.items() if isinstance(raw, dict) else ():
        path = ("options", name)
        if not isinstance(content, dict):
            continue
        try:
            if "kind" not in content:
                expected = "`kind: ` one of " + ", ".join(kinds())
                raise Faults([document.fault(path, f"option `{name}` has no `kind`", expected=expected)])
            try:
                module = kind(str(content["kind"]))
            except UnitError as problem:
                message = f"no kind of option `{content['kind']}`"
                where = (*path, "kind")
                raise Faults([document.fault(where, message, expected=problem.expected, hint=problem.hint)]) from None
            spec = validate(module.Spec, content, document, path)
            result[name] = (module, At(name, spec, document, path))
        except Faults as problem:
            faults += problem.faults
    for name, (_, at) in result.items():
        if hasattr(at.spec, "targets"):
            for target, steps in at.spec.targets().items():
                if not isinstance(raw, dict) or target not in raw:
                    others = [k for k in raw or () if k != name]
                    hint = did_you_mean(target, others)
                    expected = "one of " + ", ".join(others) if others else "another option of the scenario"
                    key = steps[-1] == target
                    faults.append(at.fault(f"no option `{target}`", *steps, expected=expected, hint=hint, key=key))
    return result


def _reference_api(scenario: Scenario, document: Document, options: Mapping[str, tuple[ModuleType, At]]) -> list[Fault]:
    """Equivalent API spend is stated in an API."""
    name = scenario.reference_api
    if name is None or (name in options and options[name][1].spec.kind == "api"):
        return []
    apis = [n for n, (_, at) in options.items() if at.spec.kind == "api"]
    expected = "an option of kind api: " + ", ".join(apis) if apis else "a scenario with an option of kind api"
    hint = did_you_mean(name, apis)
    return [document.fault(("reference_api",), f"`{name}` is no API of the scenario", expected=expected, hint=hint)]


def _current(scenario: Scenario, document: Document, options: Mapping[str, tuple[ModuleType, At]]) -> list[Fault]:
    """What runs today is one of the options."""
    name = scenario.current
    if name is None or name in options or name in scenario.options:
        return []
    expected = "one of " + ", ".join(scenario.options)
    hint = did_you_mean(name, list(scenario.options))
    return [document.fault(("current",), f"no option `{name}`", expected=expected, hint=hint)]


def _gate(scenario: Scenario, document: Document) -> list[Fault]:
    """Budgets and requirements that name what the scenario does not have."""
    if not scenario.budgets and scenario.checks is None:
        return []
    from tco.analysis.named import misnamed

    return list(misnamed(scenario, document))


def every_fault(document: Document, faults: Sequence[Fault]) -> list[Fault]:
    """Every fault once: what could not be read is no news where it is also missed."""
    places = {(f.line, f.col) for f in document.faults}
    return [*document.faults, *(f for f in dict.fromkeys(faults) if (f.line, f.col) not in places)]


def _shares(document: Document) -> list[Fault]:
    """Shares of request classes that make no whole; shares that cannot be read are reported where they stand."""
    workload = document.data.get("workload")
    classes = workload.get("classes") if isinstance(workload, dict) else None
    if not isinstance(classes, dict) or not classes:
        return []
    try:
        shares: dict[str, Fraction | str] = {k: share_or_rest(c["share"]) for k, c in classes.items()}
    except (UnitError, KeyError, TypeError):
        return []
    problem = shares_problem(shares)
    if problem is None:
        return []
    return [document.fault(("workload", "classes"), "the shares of the classes do not make a whole", expected=problem)]


def _references(options: Mapping[str, tuple[ModuleType, At]], store: Store) -> list[Fault]:
    """Names of catalogue entries that lead nowhere, and entries that are themselves wrong."""
    faults: list[Fault] = []
    for _, at in options.values():
        for steps, (section, name) in at.spec.references().items():
            try:
                store.find(section, name)
            except LookupFault as missing:
                faults.append(at.fault(missing.message, *steps, expected=missing.expected, hint=missing.hint))
            except Faults as problem:
                faults += problem.faults
    return faults


def _folders(document: Document, faults: list[Fault]) -> list[Path]:
    """The catalogue folders a scenario names, then the shipped one."""
    stated = document.data.get("catalogs")
    folders = []
    for i, text in enumerate(stated) if isinstance(stated, list) else ():
        if not isinstance(text, str):
            continue  # what is no text is reported by the model
        folder = document.path.parent / text
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            faults.append(document.fault(("catalogs", i), f"the folder `{text}` cannot be read"))
        if not folder.is_dir():
            faults.append(
                document.fault(("catalogs", i), f"no folder `{text}`", expected="a folder of catalogue files")
            )
        folders.append(folder)
    return [*folders, shipped("pricing")]
