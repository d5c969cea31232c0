"""What one replica sustains, as a scenario may state it."""

from __future__ import annotations

from pydantic import Field, model_validator

from tco.fields import Count, Model, Positive
from tco.units import UnitError


class CapacityRates(Model):
    """What one replica sustains: exactly one of the four ways to say it."""

    requests_per_s: Positive | None = Field(None, description="at the stated mix; prefill is in it")
    output_tokens_per_s: Positive | None = Field(None, description="at the stated mix; prefill is in it")
    total_tokens_per_s: Positive | None = Field(None, description="input + output, at the stated mix")
    prefill_tokens_per_s: Positive | None = Field(None, description="with decode_tokens_per_s, each measured apart")
    decode_tokens_per_s: Positive | None = None
    input_tokens: Count | None = Field(None, description="mean input tokens of the mix it was found at")
    output_tokens: Count | None = Field(None, description="mean output tokens of the mix it was found at")
    cached_tokens: Count | None = Field(
        None, description="those of `input_tokens` that a cache served, where that is known: hits are part of the mix"
    )

    @model_validator(mode="after")
    def _one_way(self) -> CapacityRates:
        ways = [
            self.requests_per_s is not None,
            self.output_tokens_per_s is not None,
            self.total_tokens_per_s is not None,
            self.prefill_tokens_per_s is not None or self.decode_tokens_per_s is not None,
        ]
        if sum(ways) != 1 or (self.prefill_tokens_per_s is None) != (self.decode_tokens_per_s is None):
            raise UnitError(
                None,
                "one of `requests_per_s`, `output_tokens_per_s`, `total_tokens_per_s`, "
                "or `prefill_tokens_per_s` with `decode_tokens_per_s`",
                "",
            )
        if (self.input_tokens is None) != (self.output_tokens is None):
            raise UnitError(None, "both `input_tokens` and `output_tokens` of the mix, or neither", "")
        if self.input_tokens is not None and self.output_tokens is not None:
            if not self.input_tokens + self.output_tokens:
                raise UnitError(None, "a mix with tokens: `input_tokens` or `output_tokens` above 0", "")
            if self.output_tokens_per_s is not None and not self.output_tokens:
                raise UnitError(None, "`output_tokens` above 0 in the mix of an `output_tokens_per_s`", "")
        if self.cached_tokens is not None:
            if self.input_tokens is None or self.prefill_tokens_per_s is not None:
                raise UnitError(None, "`cached_tokens` only beside a rate at a mix, with its `input_tokens`", "")
            if getattr(self.cached_tokens, "most", self.cached_tokens) > getattr(
                self.input_tokens, "least", self.input_tokens
            ):
                raise UnitError(None, "`cached_tokens` of at most `input_tokens`: they are inside them", "")
        return self
