"""An option put together: its demand handed down to leaves, equal leaves added, each leaf priced once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

from tco.lineitem import Bill, Figure, Fleet, Limit, LineItem
from tco.options.base import At, Context, Unusable
from tco.options.costs.option import surrounding_lines
from tco.options.costs.people import Staffed, people_lines
from tco.quantity import linear
from tco.workload.demand import Demand

Options = Mapping[str, tuple[ModuleType, At]]
"""The options of a scenario: the module of each one's kind, and the option in its document."""


class Part(NamedTuple):
    """A leaf's share in an option: itself, or one of those behind a hybrid."""

    leaf: str
    bill: Bill
    demand: Demand
    """What reaches it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The request classes that reach it."""
        return tuple(self.demand.flows)


class Assembled(NamedTuple):
    """An option priced: its own lines and those of its leaves, each leaf once."""

    name: str
    own: tuple[LineItem, ...]
    parts: tuple[Part, ...]
    hybrids: tuple[str, ...] = ()
    """The hybrids it is made of, itself among them where it is one."""

    @property
    def lines(self) -> list[tuple[str, LineItem]]:
        """Every line with the leaf behind the option that it belongs to, "" for the option's own."""
        own = [("", line) for line in self.own]
        return own + [("" if p.leaf == self.name else p.leaf, line) for p in self.parts for line in p.bill.lines]

    @property
    def limits(self) -> list[tuple[str, Limit]]:
        """What the option is feasible within, with the leaf that sets it."""
        return [(p.leaf, limit) for p in self.parts for limit in p.bill.limits]

    @property
    def fleets(self) -> dict[str, Fleet]:
        """The fleets behind the option, by leaf."""
        return {p.leaf: p.bill.fleet for p in self.parts if p.bill.fleet is not None}


def _gpus_inputs(bill: Bill) -> tuple[Figure, ...]:
    """What the GPUs of a leaf at the peak follow from."""
    return bill.gpus_inputs or (bill.fleet.inputs if bill.fleet is not None else ())


class Assembly:
    """One option: its demand handed down to leaves, equal leaves added, then each leaf priced once."""

    def __init__(self, options: Options, context: Context) -> None:
        self.options, self.context = options, context
        self.own: list[LineItem] = []
        self.demands: dict[str, Demand] = {}
        self.handed_on: dict[str, Demand] = {}
        self.overflow: dict[str, tuple[str, At]] = {}  # fleet: what takes the rest, and the hybrid that says so

    def assemble(self, name: str, demand: Demand) -> Assembled:
        self._hand_down(name, demand, ())
        self._spill()
        parts = []
        for leaf, leaf_demand in self.demands.items():
            module, at = self.options[leaf]
            bill = module.bill(at.spec, at, leaf_demand, self.context)
            parts.append(Part(leaf, bill, leaf_demand))
        return self._staffed(name, self._surrounded(name, demand, parts))

    def _surrounded(self, name: str, demand: Demand, parts: Sequence[Part]) -> list[Part]:
        """With the costs around the models: known only when the demand of every option behind this one is."""
        options = {option: at for option, (_, at) in self.options.items()}
        more = surrounding_lines(name, options, demand, self.handed_on, self.demands, self.context)
        self.own += [line for hybrid in self.handed_on for line in more[hybrid]]
        return [p._replace(bill=p.bill._replace(lines=(*p.bill.lines, *more[p.leaf]))) for p in parts]

    def _staffed(self, name: str, parts: Sequence[Part]) -> Assembled:
        """The people of the option and of its leaves: known only when all fleets are."""
        needs = [
            Staffed(self.options[p.leaf][1], p.bill.gpus, _gpus_inputs(p.bill))
            for p in parts
            if self.options[p.leaf][1].spec.people is not None
        ]
        inner = [self.options[h][1] for h in self.handed_on if self.options[h][1].spec.people is not None]
        gpus = [p.bill.gpus for p in parts if p.bill.gpus is not None]
        together = linear(0, *((1, q) for q in gpus)) if gpus else None
        fleets = tuple(f for p in parts for f in _gpus_inputs(p.bill))
        needs += [Staffed(at, together, fleets) for at in inner]
        people: dict[str, list[LineItem]] = {}
        for whose, line in people_lines(needs, self.context):
            people.setdefault(whose, []).append(line)
        leaves = {p.leaf for p in parts}
        own = [line for whose, lines in people.items() if whose not in leaves for line in lines]
        staffed = (p._replace(bill=p.bill._replace(lines=(*p.bill.lines, *people.get(p.leaf, ())))) for p in parts)
        return Assembled(name, (*self.own, *own), tuple(staffed), tuple(self.handed_on))

    def _hand_down(self, name: str, demand: Demand, path: tuple[str, ...]) -> None:
        module, at = self.options[name]
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            raise Unusable(at.fault(f"options refer to each other in a circle: {circle}"))
        if not hasattr(module, "route"):
            self.demands[name] = self.demands[name] + demand if name in self.demands else demand
            return
        routed = module.route(at.spec, at, demand, self.context)
        if name not in self.handed_on:  # by whatever many paths a hybrid is reached, its own costs are paid once
            self.own += routed.lines
        self.handed_on[name] = self.handed_on[name] + demand if name in self.handed_on else demand
        for fleet, target in routed.overflow.items():
            if not hasattr(self.options[fleet][0], "split"):
                expected = "a fleet: only they overflow"
                raise Unusable(at.fault(f"`{fleet}` is never full", "overflow", fleet, expected=expected, key=True))
            if self.overflow.setdefault(fleet, (target, at))[0] != target:
                both = f"`{self.overflow[fleet][0]}` and `{target}`"
                raise Unusable(at.fault(f"`{fleet}` overflows to both {both}", "overflow", fleet))
        for target, part in routed.demands:
            self._hand_down(target, part, (*path, name))

    def _spill(self) -> None:
        """Full fleets first, then those that take what they leave: each when nothing more can flow into it."""
        pending = {fleet: target for fleet, (target, _) in self.overflow.items()}
        while any(fleet in self.demands for fleet in pending):
            reached = self._reached(pending)
            ready = [f for f in pending if f in self.demands and f not in {pending[r] for r in reached}]
            if not ready:
                circle = " → ".join((*reached, pending[reached[-1]]))
                _, at = self.overflow[reached[0]]
                raise Unusable(
                    at.fault(f"fleets overflow into each other in a circle: {circle}", "overflow", reached[0])
                )
            for fleet in ready:
                self._split(fleet, pending.pop(fleet))

    def _reached(self, pending: Mapping[str, str]) -> list[str]:
        """The fleets that have a demand or will be given one by another's overflow."""
        reached = [f for f in pending if f in self.demands]
        for fleet in reached:
            target = pending[fleet]
            if target in pending and target not in reached:
                reached.append(target)
        return reached

    def _split(self, fleet: str, target: str) -> None:
        module, at = self.options[fleet]
        _, hybrid = self.overflow[fleet]
        if hasattr(self.options[target][0], "route"):
            raise Unusable(hybrid.fault("overflow goes to one option, not to a hybrid", "overflow", fleet))
        served, rest = module.split(at.spec, at, self.demands[fleet], self.context)
        self.demands[fleet] = served
        self.demands[target] = self.demands[target] + rest if target in self.demands else rest
