"""How an option states what a replica sustains: a profile by name, rates of one's own, or several of either."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from tco.catalog.capacity import CapacityRates
from tco.fields import Reference
from tco.options.base import Steps

Stated = str | CapacityRates
"""A profile by name, or rates of one's own."""

_One = Annotated[
    Annotated[Reference, Tag("name")] | Annotated[CapacityRates, Tag("stated")],
    Discriminator(lambda v: "stated" if isinstance(v, (dict, CapacityRates)) else "name"),
]
_Several = Annotated[list[_One], Field(min_length=2)]

CapacityField = Annotated[
    Annotated[Reference, Tag("name")] | Annotated[CapacityRates, Tag("stated")] | Annotated[_Several, Tag("several")],
    Discriminator(
        lambda v: "several" if isinstance(v, list) else "stated" if isinstance(v, (dict, CapacityRates)) else "name"
    ),
]


def capacity_references(stated: Stated | list[Stated] | None, key: str = "capacity") -> dict[Steps, tuple[str, str]]:
    """The profiles that a capacity names, by their keys."""
    if isinstance(stated, list):
        return {(key, i): ("capacity", name) for i, name in enumerate(stated) if isinstance(name, str)}
    return {(key,): ("capacity", stated)} if isinstance(stated, str) else {}
