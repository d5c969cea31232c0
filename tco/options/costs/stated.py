"""What costs around a model look like in a scenario: standing ones, those by use, embeddings, quality.

Imported when a scenario states one.
"""

from __future__ import annotations

from fractions import Fraction

from pydantic import Field, model_validator

from tco.fields import Count, Model, MoneyPerMtok, Positive, Reference, Share
from tco.options.costs.keys import Amount, Every, OnFailure, PerGbMonth, PerUse, Standing
from tco.ranges import Range
from tco.units import UnitError
from tco.workload.model import MoneyPerRequest


class Recurring(Model):
    """A sum that is paid again and again: a safety test each quarter, a fine-tuning run each month."""

    cost: Amount = Field(description="what one time costs, such as $5k")
    every: Every = Field(description="how often: month, quarter, 3 months, 2 years")


class Stored(Model):
    """What is kept: storage, a vector store."""

    gb: Count = Field(description="gigabytes kept all month")
    price: PerGbMonth = Field(description="of one GB for a month")


class UsageCost(Model):
    """A cost that grows with the traffic: egress between clouds, a reranker, guardrails."""

    price: PerUse = Field(description="per GB, per request to the service, or per 1M tokens")
    bytes_per_token: Positive | None = Field(
        None, description="beside a price per GB: bytes for each served token, input and output; 4 is usual for text"
    )
    bytes_per_request: Positive | None = Field(None, description="beside a price per GB: bytes for each request")
    per_request: Positive | None = Field(
        None, description="beside a price per request: how often one served request needs it; once when absent"
    )
    tokens_per_request: Positive | None = Field(
        None, description="beside a price per 1M tokens: tokens of one request; all it has when absent"
    )

    @model_validator(mode="after")
    def _fitting(self) -> UsageCost:
        keys = {"gb": ("bytes_per_token", "bytes_per_request"), "request": ("per_request",)}
        fitting = keys.get(self.price.per or "", ("tokens_per_request",))
        stated = [k for k in type(self).model_fields if k != "price" and getattr(self, k) is not None]
        wrong = [k for k in stated if k not in fitting]
        named = " or ".join(f"`{k}`" for k in fitting)
        if wrong:
            raise UnitError(None, f"{named} beside this price, not `{wrong[0]}`: it would change nothing", "")
        if self.price.per == "gb" and len(stated) != 1:
            raise UnitError(None, f"either {named} beside a price per GB", "")
        return self


class EmbeddedBy(Model):
    """Who embeds the workload's corpus and queries: a model of the catalogue, a price, or one figure for it all."""

    model: Reference | None = Field(None, description="a catalogue entry, such as voyage/voyage-4-lite")
    batch: bool = Field(False, description="the corpus at the model's batch price; queries never wait")
    price: MoneyPerMtok | None = Field(None, description="a price of your own, such as $0.02/1M tokens")
    batch_price: MoneyPerMtok | None = Field(None, description="beside `price`: what the corpus pays instead")
    all_in: Standing | None = Field(None, description="one figure for everything: a machine of your own")

    @model_validator(mode="after")
    def _one_way(self) -> EmbeddedBy:
        ways = [k for k in ("model", "price", "all_in") if getattr(self, k) is not None]
        if len(ways) != 1:
            found = f", not {' and '.join(ways)}" if ways else ""
            raise UnitError(None, f"one of `model` (a catalogue entry), `price` and `all_in`{found}", "")
        if self.batch and self.model is None:
            raise UnitError(None, "`model` beside `batch`; beside `price` state `batch_price`", "")
        if self.batch_price is not None and self.price is None:
            raise UnitError(None, "`price` beside `batch_price`", "")
        return self


class Quality(Model):
    """How often its answers are wrong, and what that costs. A figure that is not stated is unknown, not zero."""

    accuracy: Share | None = Field(None, description="on one's own test set: a fact that requirements ask for")
    failure_rate: Share | None = Field(None, description="share of the answers that fail and are noticed")
    on_failure: OnFailure | None = Field(
        None, description="`retry`: asked once more, billed again; or what a repair or a review of one costs"
    )
    undetected_failure_rate: Share | None = Field(None, description="share of the answers that are wrong unnoticed")
    bad_answer_costs: MoneyPerRequest | None = Field(
        None, description="what one wrong answer costs the business; the workload's when absent"
    )
    review_share: Share | None = Field(None, description="share of the answers that people look at")
    review: MoneyPerRequest | None = Field(None, description="what looking at one costs, such as $0.80/request")

    @model_validator(mode="after")
    def _together(self) -> Quality:
        for one, other in (("failure_rate", "on_failure"), ("review_share", "review")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise UnitError(None, f"`{one}` and `{other}` together", "")
        if self.bad_answer_costs is not None and self.undetected_failure_rate is None:
            raise UnitError(None, "`undetected_failure_rate` beside `bad_answer_costs`", "")
        if isinstance(self.accuracy, Range):
            raise UnitError(None, "one number for `accuracy`, not a range: a requirement is met or it is not", "")
        rates = [r for r in (self.failure_rate, self.undetected_failure_rate) if r is not None]
        if sum((getattr(r, "most", r) for r in rates), Fraction(0)) > 1:
            raise UnitError(None, "`failure_rate` and `undetected_failure_rate` of at most 100 % together", "")
        return self
