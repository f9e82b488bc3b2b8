"""Works tasks off in rounds: the first call of all tasks, then the next of those that try again or are revised, and so on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulation import answers, failures, parameters, prices, quality
from simulation.answers import ERROR_TYPES, Answers
from simulation.arrays import Array, Bools, Columns, Floats, Ints
from simulation.calls import NONE, Asked, Calls, Evidence, Outcome, Tokens
from simulation.disturbances import Disturbances
from simulation.failures import ANSWERS
from simulation.fleet import Fleet
from simulation.incidents import Field, Incident
from simulation.randomness import ids
from simulation.tasks import ROUNDS_MAX, Draw, NormalDraw, Tasks

# Chosen: a caller waits before it tries again, and somebody reads a result before it is revised.
_RETRY_S = (0.5, 4.0)
_REVISE_S = (5.0, 60.0)
# A revision reads the result that it revises.
_INPUT_PER_REVISION = 0.3


@dataclass(frozen=True)
class Work:
    """Calls and evidence of tasks, in no order."""

    calls: Calls
    evidence: Evidence


@dataclass(frozen=True)
class _Turns(Columns):
    """Whose turn it is: places in Tasks, when and whom they ask, how often they failed since the last revision, and revisions so far."""

    place: Ints
    time_us: Ints
    model: Array
    failures: Ints
    revisions: Ints


def work_off(fleet: Fleet, seed: int, tasks: Tasks, wrong: Sequence[Incident]) -> Work:
    """All calls of the tasks and what becomes known of them, with the incidents that may concern them."""
    nothing = np.zeros(len(tasks.start_us), np.int64)
    turns = _Turns(np.arange(len(tasks.start_us)), tasks.start_us, tasks.first_model, nothing, nothing)
    calls: list[Calls] = []
    evidence: list[Evidence] = []
    for number in range(ROUNDS_MAX):
        made = _Round(fleet, seed, tasks, wrong, number, turns)
        turns, is_last = made.next_turns()
        calls.append(made.calls.take(made.is_reported))
        evidence += made.evidence(is_last)
    return Work(Calls.joined(calls), Evidence.joined(evidence))


class _Round:
    """One call of each task whose turn it is."""

    def __init__(self, fleet: Fleet, seed: int, tasks: Tasks, wrong: Sequence[Incident], number: int, turns: _Turns) -> None:  # noqa: PLR0917 - of one caller
        self._fleet, self._tasks, self._number, self._turns = fleet, tasks, number, turns
        self._uniform = tasks.uniform[number][:, turns.place]
        normal = tasks.normal[number][:, turns.place]
        asked = Asked(turns.model, tasks.task_type[turns.place], tasks.version[turns.place], turns.time_us)
        disturbed = Disturbances(fleet, wrong, asked, self._uniform)
        given = answers.answers(fleet, seed, asked, normal[: NormalDraw.SCORE])
        self.is_reported = ~disturbed.is_silent
        self.calls = self._calls(asked, disturbed, given, seed)
        self._score = quality.scores(fleet, seed, asked, normal[NormalDraw.SCORE], disturbed.quality_loss)
        self._is_answered = self.calls.outcome == Outcome.SUCCEEDED

    def _calls(self, asked: Asked, disturbed: Disturbances, given: Answers, seed: int) -> Calls:
        tasks, place = self._tasks, self._turns.place
        own_error = answers.own_errors(failures.state(self._fleet, seed, asked), self._uniform[Draw.FAIL])
        error = np.where(disturbed.error != ANSWERS, disturbed.error, own_error)
        latency_s = given.latency_s * disturbed.latency_factor
        outcome, error = _outcomes(error, latency_s, self._uniform[Draw.END])
        has_failed = (outcome == Outcome.FAILED) | (outcome == Outcome.RATE_LIMITED)
        waited_s = np.minimum(latency_s, parameters.TIMEOUT_S)
        latency_s = np.where(has_failed, answers.failed_latency_s(self._uniform[Draw.FAILED_LATENCY]), waited_s)
        is_answered = outcome == Outcome.SUCCEEDED
        is_streamed = tasks.is_streamed[place] & is_answered & ~disturbed.is_missing[Field.TIME_TO_FIRST_TOKEN]
        first_token_us = _microseconds(given.first_token_s * disturbed.latency_factor)
        tokens = self._tokens(given, disturbed.token_factor)
        cost = prices.stated_cost_nanos(self._fleet, seed, asked, tokens)
        has_usage = is_answered & ~disturbed.is_missing[Field.USAGE]
        return Calls(
            call_id=ids(asked.time_us, tasks.bits[0, self._number, place]),
            task_id=tasks.task_id[place],
            start_us=asked.time_us,
            latency_us=_microseconds(latency_s),
            first_token_us=np.where(is_streamed, first_token_us, NONE),
            model=asked.model,
            version=asked.version,
            has_version=~disturbed.is_missing[Field.PROMPT_VERSION],
            outcome=outcome,
            error=error,
            input_count=np.where(has_usage, tokens.input_count, NONE),
            output_count=tokens.output_count,
            cached_count=tokens.cached_count,
            reasoning_count=tokens.reasoning_count,
            cost_nanos=np.where(is_answered, cost, NONE),
            revision_count=self._turns.revisions,
        )

    def _tokens(self, given: Answers, factor: Floats) -> Tokens:
        read = self._tasks.input_count[self._turns.place] * (1 + _INPUT_PER_REVISION * self._turns.revisions)
        input_count = (read * factor).astype(np.int64)
        cached = (input_count * parameters.CACHED_RATIO_MAX * self._uniform[Draw.CACHE]).astype(np.int64)
        return Tokens(
            input_count, (given.output_count * factor).astype(np.int64), cached, (given.reasoning_count * factor).astype(np.int64)
        )

    def next_turns(self) -> tuple[_Turns, Bools]:
        """Whose turn it is after this, and which of these calls are the last of their task."""
        turns, uniform = self._turns, self._uniform
        is_bad = (self._score < parameters.REVISED_BELOW_SCORE) & (uniform[Draw.REVISE] < parameters.REVISED_RATIO)
        is_revised = self._is_answered & is_bad & (turns.revisions < parameters.REVISIONS_MAX)
        is_given_up = (self.calls.outcome == Outcome.CANCELLED) | (turns.failures >= parameters.TRIES_MAX - 1)
        goes_on = is_revised | (~self._is_answered & ~is_given_up)
        if self._number == ROUNDS_MAX - 1:
            goes_on = np.zeros(len(goes_on), np.bool_)
        pause_s = np.where(is_revised, quality.between(_REVISE_S, uniform[Draw.PAUSE]), quality.between(_RETRY_S, uniform[Draw.PAUSE]))
        failed = np.where(is_revised, 0, turns.failures + 1)
        model = np.where(failed == parameters.TRIES_MAX - 1, self._tasks.second_model[turns.place], turns.model)
        after = _Turns(turns.place, self.calls.end_us + _microseconds(pause_s), model, failed, turns.revisions + is_revised)
        return after.take(goes_on), ~goes_on

    def evidence(self, is_last: Bools) -> list[Evidence]:
        """What becomes known of the answers, and of the results of tasks that end with them. Nothing of calls that nobody reports."""
        tasks, is_known = self._tasks, self._is_answered & self.is_reported
        end_us = self.calls.end_us
        answered = quality.Judged(self.calls.call_id[is_known], end_us[is_known], self._score[is_known])
        chance = self._uniform[[Draw.SCORE, Draw.SCORE_DELAY]][:, is_known]
        found = quality.evaluations(answered, chance, tasks.bits[1, self._number, self._turns.place[is_known]])
        is_result = is_known & is_last
        ended = self._turns.place[is_result]
        results = quality.Judged(tasks.task_id[ended], end_us[is_result], self._score[is_result])
        writes_code = np.array([each.writes_code for each in self._fleet.task_types])[tasks.task_type[ended]]
        revisions = self._turns.revisions[is_result]
        uniform, bits = tasks.result_uniform[:, ended], tasks.result_bits[:, ended]
        return [found, *quality.task_evidence(results, revisions, writes_code, uniform, bits)]


def _outcomes(error: Array, latency_s: Floats, chance: Floats) -> tuple[Array, Array]:
    """Outcome and error of each call, from the error that it met, the time that its answer takes, and a uniform draw."""
    is_refused = chance < parameters.REFUSED_RATIO
    is_cancelled = chance < parameters.REFUSED_RATIO + parameters.CANCELLED_RATIO
    cases = [error == answers.BURST_ERROR, error != ANSWERS, is_refused, is_cancelled, answers.is_given_up(latency_s)]
    outcomes = (Outcome.RATE_LIMITED, Outcome.FAILED, Outcome.REFUSED, Outcome.CANCELLED, Outcome.TIMED_OUT)
    content_filter, timeout = (np.full(len(error), ERROR_TYPES.index(name), np.int8) for name in (answers.CONTENT_FILTER, answers.TIMEOUT))
    nothing = np.full(len(error), NONE, np.int8)
    told = np.select(cases, [error, error, content_filter, nothing, timeout], NONE)
    return np.select(cases, [np.int8(outcome) for outcome in outcomes], np.int8(Outcome.SUCCEEDED)), told


def _microseconds(seconds: Floats) -> Ints:
    return (seconds * 1e6).astype(np.int64)
