"""The paper of every figure: where it comes from, when it was checked, what kind it is, from when on it holds."""

from __future__ import annotations

from pydantic import Field

from tco.catalog.words import Kind
from tco.fields import Date, Model, Text


class Sourced(Model):
    """A figure's paper: without it no figure enters a catalogue."""

    source: Text = Field(description="where the figure stands: publication and the place in it")
    checked: Date = Field(description="the day somebody last compared the figure with its source")
    kind: Kind
    note: Text | None = Field(None, description="disagreements between sources, conditions, doubts")


class Dated(Sourced):
    """A figure that changes over time: it holds from `as_of` until a later row. A change is a new row."""

    as_of: Date = Field(description="the date of the source's data; the row holds from here to the next one")
