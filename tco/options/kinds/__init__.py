"""The kinds of options. A kind is one file here, found by its name.

A leaf kind has ``Spec`` (a pydantic model, `kind` its own name) and ``bill(spec, at, demand, context) -> Bill``; where
it can be full it also has ``split(spec, at, demand, context) -> (served, rest)``. A kind that hands its demand on has
``Spec`` and ``route(spec, at, demand, context) -> Routed`` in place of ``bill``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from tco.document import did_you_mean
from tco.units import UnitError


def kinds() -> list[str]:
    """The names of all kinds: the modules of this package."""
    return sorted(m.name for m in iter_modules(__path__))


@cache
def kind(name: str) -> ModuleType:
    """The module of a kind; `UnitError` with the nearest name when there is none."""
    known = kinds()
    if name not in known:
        raise UnitError(name, "a kind of option: " + ", ".join(known), did_you_mean(name, known))
    return import_module(f"tco.options.kinds.{name}")
