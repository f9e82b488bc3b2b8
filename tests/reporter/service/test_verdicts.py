"""Which comparisons of prompts a report tells of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from assay.analyzer.v1 import prompt_service_pb2 as contract

from services.reporter.domain.period import Period
from services.reporter.messages.verdicts import verdict_of

START = datetime(2026, 11, 16, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=7))
SUCCESS, QUALITY, COST = contract.PROMPT_METRIC_SUCCESS, contract.PROMPT_METRIC_QUALITY, contract.PROMPT_METRIC_COST
BETTER, WORSE, UNDECIDED = contract.PROMPT_VERDICT_BETTER, contract.PROMPT_VERDICT_WORSE, contract.PROMPT_VERDICT_UNDECIDED


def effect(metric: int, verdict: int, difference: float, decided: timedelta | None = timedelta(days=1)) -> contract.PromptEffect:
    fields: dict[str, Any] = {"metric": metric, "verdict": verdict, "difference": difference}
    made = contract.PromptEffect(**fields, low=difference - 0.01, high=difference + 0.01, call_count=800.0)
    if decided is not None:
        made.decide_time.FromDatetime(START + decided)
    return made


def compared(*versions: list[contract.PromptEffect]) -> contract.ComparePromptsResponse:
    response = contract.ComparePromptsResponse(prompt_name="review", baseline=contract.PromptVersion(prompt_version="1"))
    for number, effects in enumerate(versions, 2):
        response.versions.add(version=contract.PromptVersion(prompt_version=str(number)), effects=effects)
    return response


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ([], None),
        ([[effect(SUCCESS, BETTER, 0.1)]], ("2", "1", "success", 0.1, 0.09, 0.11)),
        ([[effect(QUALITY, WORSE, -0.1)]], ("1", "2", "quality", 0.1, 0.09, 0.11)),
        ([[effect(SUCCESS, BETTER, 0.1)], [effect(QUALITY, BETTER, 0.2)]], ("3", "1", "quality", 0.2, 0.19, 0.21)),
        ([[effect(SUCCESS, BETTER, 0.1), effect(QUALITY, WORSE, -0.1)]], None),  # which counts is not ours to say
        ([[effect(COST, BETTER, -0.3)]], None),
        ([[effect(SUCCESS, UNDECIDED, 0.1, None)]], None),
        ([[effect(SUCCESS, BETTER, 0.1, timedelta(days=-1))]], None),  # an earlier report has told
        ([[effect(SUCCESS, BETTER, 0.1, timedelta(days=7))]], None),
    ],
)
def test_what_was_decided_in_the_period_is_told(versions: list[Any], told: tuple[Any, ...] | None) -> None:
    found = verdict_of(compared(*versions), PERIOD)
    if told is None:
        assert found is None
    else:
        assert found is not None
        numbers = tuple(round(value, 9) for value in (found.difference, found.low, found.high))
        assert ((found.better, found.other, found.metric, *numbers), found.call_count) == (told, 800)
