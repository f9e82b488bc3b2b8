"""What the gateway tells of sources of calls, for the OpenAPI document."""

from typing import Literal

from pydantic import BaseModel, Field

SourceFieldStateName = Literal["FILLED", "NEVER", "CEASED"]


class SourceField(BaseModel):
    """A field of calls, and what a source does with it."""

    field: str = Field(description="The field's name in the contract's Call.")
    state: SourceFieldStateName | None = Field(description="Null: too few calls were looked at to say.")
    call_count: int = Field(description="Calls looked at that could have had it.")
    filled_count: int
    last_fill_time: str | None = Field(description="When a call last had it. Null: never.")
    blinds: str = Field(description="What cannot be shown without it.")


class Source(BaseModel):
    """Who sends calls: a program or an instrumentation, by the key that it uses."""

    sender: str
    version: str
    key_id: str
    first_time: str
    last_time: str
    call_count: int = Field(description="Calls that were looked at: of each source, those of a batch every second.")
    fields: list[SourceField]


class Sources(BaseModel):
    """A page of sources."""

    sources: list[Source]
    next_page_token: str
