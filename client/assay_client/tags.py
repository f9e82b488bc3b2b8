"""What the calls that follow have in common: said once in a block, taken by every integration that makes calls inside of it."""

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from assay_client.choice import Choice

# Ids of calls that a block remembers; whoever makes more in one block asks for the last ones, if any.
CALL_IDS_MAX = 1_000


class CallFields(TypedDict, total=False):
    """Fields of calls, as `Client.call` has them."""

    task_type: str
    task_id: str
    agent: str
    prompt_name: str
    prompt_version: str
    revision_count: int
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tags:
    """What a block says of its calls. `call_ids` are those made in it by integrations so far, the last one last."""

    fields: CallFields = field(default_factory=CallFields)
    choice: Choice | None = None
    call_ids: deque[str] = field(default_factory=lambda: deque(maxlen=CALL_IDS_MAX))

    def fields_of(self, model: str, default: CallFields) -> dict[str, Any]:
        """The fields of a call to that model, with these defaults. A choice is only told of where it was followed."""
        fields: dict[str, Any] = {**default, **self.fields}
        if self.choice is not None and self.choice.model == model:
            fields |= {"ranking_id": self.choice.ranking_id, "selection_ratio": self.choice.selection_ratio}
        return fields


_NONE = Tags()
_tags: ContextVar[Tags] = ContextVar("assay_tags", default=_NONE)


@contextlib.contextmanager
def tagged(*, choice: Choice | None = None, **fields: Unpack[CallFields]) -> Iterator[Tags]:
    """Says these fields of all calls that integrations make in the block, in the same thread or task; a block inside says more.

    With a `choice` of `assay_client.rankings`, calls to the chosen model carry the ranking that was followed.
    """
    outer = _tags.get()
    tags = Tags(CallFields(**{**outer.fields, **fields}), choice or outer.choice)
    token = _tags.set(tags)
    try:
        yield tags
    finally:
        with contextlib.suppress(ValueError):  # the block ends in another context, as a generator's does that nobody reads to its end
            _tags.reset(token)


def current_tags() -> Tags:
    """What the blocks around say."""
    return _tags.get()


def note_call(tags: Tags, call_id: str) -> None:
    """Remembers a call for the block that it was made in."""
    if tags is not _NONE:
        tags.call_ids.append(call_id)
