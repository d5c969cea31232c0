"""What an option is like besides its cost: the facts that requirements are held against."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from tco.fields import Count, Duration, Model, Whole
from tco.ranges import Range
from tco.scenario.requirements import DataLevel
from tco.units import UnitError


class Facts(Model):
    """Facts of an option that requirements ask for. What is not stated is unknown, and said to be."""

    self_operated: ClassVar[bool] = False
    """Whether the team runs its servers: a kind says so, and with it where data is when nobody states it."""

    data: DataLevel | None = Field(
        None, description="how far data is kept apart; `vpc` for rented GPUs and `on_premises` for owned ones if absent"
    )
    context_tokens: Count | None = Field(None, description="longest input + output of one call that it can take")
    time_to_first_token: Duration | None = Field(None, description="at the percentile the requirement means")
    fine_tunable: bool | None = Field(None, description="whether the model can be fine-tuned")
    needs_engineers: Whole | None = Field(None, description="engineers the team must have to run it")
    needs_on_call: bool | None = Field(None, description="whether somebody must be on call around the clock")

    @model_validator(mode="after")
    def _certain(self) -> Facts:
        for key in ("context_tokens", "time_to_first_token"):
            if isinstance(getattr(self, key), Range):
                raise UnitError(None, f"one number for `{key}`, not a range: a requirement is met or it is not", "")
        return self
