"""What a workload has embedded: a corpus again and again, and the queries against it. Never part of the volume."""

from __future__ import annotations

from pydantic import Field, model_validator

from tco import units
from tco.fields import Count, Model, Positive, Share

CORPUS = ("chunks", "tokens_per_chunk", "deploys_per_month")


class Embeddings(Model):
    """A corpus that is searched: its size, how often it is embedded again, and the queries."""

    chunks: Positive | None = Field(None, description="pieces the corpus is cut into, such as 5M")
    tokens_per_chunk: Positive | None = Field(None, description="tokens of one chunk, a mean")
    deploys_per_month: Count | None = Field(
        None, description="times a month the corpus is embedded again; 0 when it only was before"
    )
    changed_share: Share | None = Field(
        None, description="share of the chunks that a deploy embeds again; all of them when absent"
    )
    query_tokens_per_request: Positive | None = Field(
        None, description="tokens of the queries that one served request embeds, all searches together"
    )

    @model_validator(mode="after")
    def _whole(self) -> Embeddings:
        stated = [k for k in CORPUS if getattr(self, k) is not None]
        if stated and len(stated) < len(CORPUS):
            missing = " and ".join(f"`{k}`" for k in CORPUS if k not in stated)
            raise units.UnitError(None, f"{missing} beside `{stated[0]}`", "")
        if self.changed_share is not None and not stated:
            raise units.UnitError(None, "`chunks` beside `changed_share`", "")
        if not stated and self.query_tokens_per_request is None:
            raise units.UnitError(
                None, "`chunks`, `tokens_per_chunk` and `deploys_per_month`, or `query_tokens_per_request`", ""
            )
        return self
