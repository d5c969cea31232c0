"""What an option must satisfy, whatever it costs, and who is there to run it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tco.fields import Count, Duration, Model, Share, Whole
from tco.ranges import Range
from tco.units import UnitError

DataLevel = Literal["public", "dpa", "zero_retention", "vpc", "on_premises"]

DATA_LEVELS: tuple[str, ...] = ("public", "dpa", "zero_retention", "vpc", "on_premises")
"""Where data may be processed, each level stricter than the one before: a public API, one under a data processing
agreement, one that keeps nothing, a private network of one's own in a cloud, one's own premises."""


class Requirements(Model):
    """What an option must satisfy, looked at in this order; the first that fails rules it out."""

    data: DataLevel | None = Field(None, description="how far data must be kept apart, at least")
    accuracy: Share | None = Field(None, description="at least this accuracy on one's own test set")
    accuracy_within: Share | None = Field(None, description="at most so far below the accuracy of the reference")
    context_tokens: Count | None = Field(None, description="input + output of the longest call that must fit")
    fine_tuning: bool = Field(False, description="the model must be fine-tunable")
    time_to_first_token: Duration | None = Field(None, description="at most")

    @model_validator(mode="after")
    def _certain(self) -> Requirements:
        vague = [k for k in self.model_fields_set if isinstance(getattr(self, k), Range)]
        if vague:
            raise UnitError(None, f"one number for `{vague[0]}`, not a range: a requirement is met or it is not", "")
        return self


class Team(Model):
    """Who is there to run things: held against what an option needs."""

    engineers: Whole | None = None
    on_call: bool | None = Field(None, description="whether somebody is on call around the clock")
