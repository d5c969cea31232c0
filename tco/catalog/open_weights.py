"""What is known of a model whose weights can be downloaded: what decides which GPUs it fits on."""

from __future__ import annotations

from fractions import Fraction

from pydantic import Field

from tco.catalog.sourced import Sourced
from tco.fields import AtLeastOne, Count, Date, Model, Positive, Text


class ByPrecision(Model):
    """One size at each precision it is known at."""

    bf16: Positive | None = None
    fp8: Positive | None = None
    int4: Positive | None = None

    def of(self, precision: str) -> Fraction | None:
        """The size at a precision, None where it is not known."""
        size: Fraction | None = getattr(self, precision, None)
        return size


class OpenModel(Sourced):
    """A model with open weights: its size in parameters and in memory, its context, its licence."""

    name: Text
    hf_id: Text | None = Field(None, description="its name on Hugging Face")
    parameters_b: Positive = Field(description="all parameters, in billions")
    active_parameters_b: Positive = Field(description="parameters that take part in one token, in billions")
    layers: AtLeastOne | None = None
    kv_heads: AtLeastOne | None = Field(None, description="absent for latent attention, which has none")
    kv_bytes_per_token: ByPrecision = Field(description="key-value cache of one token of context")
    long_kv_bytes_per_token: ByPrecision | None = Field(
        None,
        description="the same for layers that keep the whole context, where others keep a window: each further token",
    )
    weights_gb: ByPrecision = Field(description="memory of the weights, in GB of 10^9 bytes")
    max_context_tokens: Count
    attention: Text | None = None
    licence: Text
    licence_note: Text | None = None
    as_of: Date
