"""Whom to call, and with what probability it was chosen."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict


class Candidate(NamedTuple):
    """What can be chosen, as calls name it."""

    provider: str
    model: str


class ChoiceFields(TypedDict):
    """What `Client.call` is to be told of a choice."""

    provider: str
    model: str
    task_type: str
    ranking_id: str
    selection_ratio: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate for one call. `selection_ratio` is the probability with which it was chosen, above 0 and at most 1.

    `origin` says what it rests on: the ranking as it now is; the last one known, since Assay is away or has no newer
    evidence; or nothing, and then it is the default and `ranking_id` is empty.
    """

    candidate: Candidate
    task_type: str
    selection_ratio: float
    ranking_id: str = ""
    origin: Literal["ranking", "old ranking", "default"] = "default"

    @property
    def provider(self) -> str:
        """Whom to ask."""
        return self.candidate.provider

    @property
    def model(self) -> str:
        """For which model."""
        return self.candidate.model

    @property
    def fields(self) -> ChoiceFields:
        """What `Client.call` and `Client.record` are to be told: `client.call(**choice.fields)`."""
        return {
            "provider": self.provider,
            "model": self.model,
            "task_type": self.task_type,
            "ranking_id": self.ranking_id,
            "selection_ratio": self.selection_ratio,
        }
