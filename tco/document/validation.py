"""Validation: pydantic's errors become faults, each at its line, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tco.document.document import DataPath, Document
from tco.document.faults import Fault, Faults
from tco.document.place import Place, locate
from tco.document.wording import wording


def faults_of(error: ValidationError, model: type[BaseModel], data: Any, document: Document, at: DataPath) -> Faults:
    """What was wrong with `data`, which stands at the path `at` of `document` and was to be a `model`."""
    placed = [(detail, locate(detail["loc"], model, data, at)) for detail in error.errors(include_url=False)]
    return Faults(_fault(detail, place, document) for detail, place in _relevant(placed))


def _fault(detail: ErrorDetails, place: Place, document: Document) -> Fault:
    words = wording(detail, place)
    path = (*place.path, *words.steps)
    return document.fault(
        path,
        words.message,
        expected=words.expected,
        hint=words.hint,
        key=words.key or place.key,
        value=words.value,
    )


Placed = tuple[ErrorDetails, Place]


def _relevant(placed: Iterable[Placed], level: int = 0) -> Iterator[Placed]:
    """Of the alternatives of each union, the errors of the one that was most likely meant.

    pydantic reports every alternative. One whose errors all lie inside the value has the right shape, so it was
    meant; among several, the one with the fewest errors. When none has, one error stands for all. Unions within
    an alternative are the next `level`.
    """
    sites: dict[DataPath, dict[str, list[Placed]]] = {}
    for detail, place in placed:
        if len(place.unions) <= level:
            yield detail, place
        else:
            path, alternative = place.unions[level]
            sites.setdefault(path, {}).setdefault(alternative, []).append((detail, place))
    for path, alternatives in sites.items():
        every = list(alternatives.values())
        shaped = [errors for errors in every if all(len(place.path) > len(path) for _, place in errors)]
        if shaped or len(every) == 1:
            likely = min(shaped or every, key=len)
            yield from _relevant(likely, level + 1)
        else:
            yield _merged([errors[0] for errors in every])


def _merged(errors: list[Placed]) -> Placed:
    """One error for alternatives that were all wrong as a whole: what each expected, joined."""
    # A validator of ours knows most about what was meant; its own words go first.
    errors = sorted(errors, key=lambda error: "error" not in error[0].get("ctx", {}))
    first, place = errors[0]
    words = [wording(detail, other) for detail, other in errors]
    expected = ", or ".join(dict.fromkeys(w.expected for w in words if w.expected))
    return first, place._replace(expected=expected)
