"""What budgets and requirements name must be there: options, request classes, and what runs today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tco.document import Document, Fault, did_you_mean
from tco.scenario.model import Scenario

if TYPE_CHECKING:
    from tco.options.base import Steps


def misnamed(scenario: Scenario, document: Document) -> Iterator[Fault]:
    """A fault for each name that leads nowhere, and where what runs today is meant and not named."""
    options, classes = list(scenario.options), list(scenario.workload.classes or ())

    def option(name: str | None, path: Steps) -> Iterator[Fault]:
        if name is not None and name not in options:
            expected, hint = "one of " + ", ".join(options), did_you_mean(name, options)
            yield document.fault(path, f"no option `{name}`", expected=expected, hint=hint)

    for name, budget in scenario.budgets.items():
        path: Steps = ("budgets", name)
        yield from option(budget.option, (*path, "option"))
        yield from option(budget.over, (*path, "over"))
        if budget.option is None and scenario.current is None:
            yield _no_current(document, path, f"the budget `{name}` names no option")
        if budget.class_ is not None and budget.class_ not in classes:
            yield _no_class(document, path, budget.class_, classes)
        if budget.increase is not None:
            yield from _no_reference(scenario, document, name)
    if scenario.checks is None:
        return
    stated = _stated(document.data)
    for i, required in enumerate(scenario.checks.require):
        path = ("checks", "require", i) if isinstance(stated, list) else ("checks", "require")
        yield from option(required.option, path)
        if required.option is None and scenario.current is None:
            yield _no_current(document, path, "`feasible` names no option")
        elif required.what != "feasible" and not _is_candidate(scenario, required.option):
            message = f"`{required.option}` is compared with no other: it is no candidate"
            yield document.fault(path, message, expected="an option without `candidate: false`")


def _stated(data: Mapping[str, object]) -> object:
    checks = data.get("checks")
    return checks.get("require") if isinstance(checks, dict) else None


def _is_candidate(scenario: Scenario, option: str | None) -> bool:
    content = scenario.options.get(option or "", {})
    return content.get("candidate", True) is not False


def _no_current(document: Document, path: Steps, message: str) -> Fault:
    return document.fault(path, message, expected="`option: NAME`, or what runs today as the scenario's `current`")


def _no_class(document: Document, path: Steps, name: str, classes: list[str]) -> Fault:
    expected = "one of " + ", ".join(classes) if classes else "a workload with `classes`"
    hint = did_you_mean(name, classes)
    return document.fault((*path, "class"), f"no request class `{name}`", expected=expected, hint=hint)


def _no_reference(scenario: Scenario, document: Document, name: str) -> Iterator[Fault]:
    """An increase is held against another option."""
    budget = scenario.budgets[name]
    option, reference = budget.option or scenario.current, budget.over or scenario.current
    if reference is None or option == reference:
        message = (
            f"the budget `{name}` is an increase over nothing"
            if reference is None
            else (f"the budget `{name}` is an increase of `{option}` over itself")
        )
        expected = "`over: NAME`, another option to hold it against"
        yield document.fault(("budgets", name), message, expected=expected)
