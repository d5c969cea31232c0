"""The key that says which model replicas run: an entry of the catalogue, or keys of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Discriminator, Tag

from tco.fields import Model, Reference, later
from tco.options.base import Steps

if TYPE_CHECKING:
    from tco.options.fleet.memory import Serves
else:
    Serves = later("tco.options.fleet.memory", "Serves")

ServesField = Annotated[
    Annotated[Reference, Tag("name")] | Annotated[Serves, Tag("keys")],
    Discriminator(lambda v: "keys" if isinstance(v, (dict, Model)) else "name"),
]


def serves_references(serves: str | Serves | None) -> dict[Steps, tuple[str, str]]:
    """The catalogue entry that `serves` names, by its key."""
    if isinstance(serves, str):
        return {("serves",): ("open_weights", serves)}
    if serves is not None and serves.model is not None:
        return {("serves", "model"): ("open_weights", serves.model)}
    return {}
