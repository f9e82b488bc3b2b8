"""Calls and evidence as JSON lines, in the JSON form of the contract, as fast as Python formats texts.

A line is a template that is filled in. Calls whose optional fields are set alike share a template.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from simulation.answers import ERROR_TYPES
from simulation.arrays import Array, Ints, Texts
from simulation.calls import NONE, Calls, Evidence, EvidenceKind, Outcome
from simulation.fleet import Fleet
from simulation.stream import Block

_CALL = '{"call_id":"%s","task_id":"%s","start_time":"%sZ","latency":"%d.%06ds",%s,"outcome":"CALL_OUTCOME_%s","revision_count":%d'
_FIRST_TOKEN = ',"time_to_first_token":"%d.%06ds"'  # noqa: S105 - not a password
_USAGE = ',"usage":{"input_token_count":%d,"output_token_count":%d,"cache_read_token_count":%d,"reasoning_token_count":%d}'
_COST = ',"cost_usd_nanos":%d'
_ERROR = ',"error_type":"%s"'

_EVIDENCE = '{"evidence_id":"%s","observe_time":"%sZ",'
_ENDS = {
    EvidenceKind.JUDGED: '"call_id":"%s","evaluation":{"evaluator":"judge","score_ratio":%.3f}}',
    EvidenceKind.VERIFIED: '"call_id":"%s","evaluation":{"evaluator":"verifier","score_ratio":%.3f}}',
    EvidenceKind.FEEDBACK: '"task_id":"%s","feedback":{"rating_ratio":%.2f,"accepted":%s,"rater":"user"}}',
    EvidenceKind.TESTS: '"task_id":"%s","tests":{"counts":{"passed_count":%d,"failed_count":%d}}}',
    EvidenceKind.COVERAGE: '"task_id":"%s","coverage":{"covered_ratio":%.3f}}',
    EvidenceKind.STATIC_ANALYSIS: '"task_id":"%s","static_analysis":{"counts":{"error_count":%d,"warning_count":%d,"line_count":%d}}}',
    EvidenceKind.REVISION: '"task_id":"%s","revision":{"count":%d}}',
}
_OUTCOMES = np.array([outcome.name for outcome in Outcome], object)
_ERROR_TYPES = np.array(ERROR_TYPES, object)


def lines(fleet: Fleet, block: Block) -> list[str]:
    """All of the block, by start of the calls and observation of the evidence; without line ends."""
    texts: list[str] = []
    times = [np.empty(0, np.int64)]
    for calls, template in _call_groups(block.calls):
        texts += map(template.__mod__, zip(*_call_columns(fleet, calls), strict=True))
        times.append(calls.start_us)
    for evidence, template in _evidence_groups(block.evidence):
        texts += map(template.__mod__, zip(*_evidence_columns(evidence), strict=True))
        times.append(evidence.observe_us)
    return [texts[place] for place in np.argsort(np.concatenate(times), kind="stable").tolist()]


def _call_groups(calls: Calls) -> Iterator[tuple[Calls, str]]:
    """Calls whose optional fields are set alike, and their template."""
    optional = (calls.first_token_us != NONE, calls.input_count != NONE, calls.cost_nanos != NONE, calls.error != NONE)
    pattern = sum(is_set.astype(np.int64) << bit for bit, is_set in enumerate(optional))
    for bits in np.unique(pattern).tolist():
        template = "".join(text for bit, text in enumerate((_FIRST_TOKEN, _USAGE, _COST, _ERROR)) if bits >> bit & 1)
        yield calls.take(pattern == bits), f"{_CALL}{template}}}"


def _call_columns(fleet: Fleet, calls: Calls) -> Iterator[Sequence[Any]]:
    """What fills the template of calls whose optional fields are set alike; at least one call."""
    yield _texts(calls.call_id)
    yield _texts(calls.task_id)
    yield _times(calls.start_us)
    yield from _durations(calls.latency_us)
    yield _names(fleet)[calls.model, calls.version, calls.has_version.astype(np.int8)].tolist()
    yield _OUTCOMES[calls.outcome - 1].tolist()
    yield calls.revision_count.tolist()
    if calls.first_token_us[0] != NONE:
        yield from _durations(calls.first_token_us)
    if calls.input_count[0] != NONE:
        yield from (counts.tolist() for counts in (calls.input_count, calls.output_count, calls.cached_count, calls.reasoning_count))
    if calls.cost_nanos[0] != NONE:
        yield calls.cost_nanos.tolist()
    if calls.error[0] != NONE:
        yield _ERROR_TYPES[calls.error].tolist()


def _evidence_groups(evidence: Evidence) -> Iterator[tuple[Evidence, str]]:
    """Evidence of one kind, and its template."""
    for kind in np.unique(evidence.kind).tolist():
        yield evidence.take(evidence.kind == kind), _EVIDENCE + _ENDS[EvidenceKind(kind)]


def _evidence_columns(evidence: Evidence) -> Iterator[Sequence[Any]]:
    """What fills the template of evidence of one kind; at least one piece."""
    kind = EvidenceKind(evidence.kind[0])
    yield _texts(evidence.evidence_id)
    yield _times(evidence.observe_us)
    yield _texts(evidence.subject_id)
    yield evidence.first.tolist()
    if kind is EvidenceKind.FEEDBACK:
        yield np.where(evidence.second == 1, "true", "false").tolist()
    elif kind in {EvidenceKind.TESTS, EvidenceKind.STATIC_ANALYSIS}:
        yield evidence.second.tolist()
    if kind is EvidenceKind.STATIC_ANALYSIS:
        yield evidence.third.tolist()


@lru_cache(4)
def _names(fleet: Fleet) -> Array:
    """The part of a line that names the series, shape (models, versions, 2): without and with the prompt's version."""
    names = np.empty((len(fleet.models), len(fleet.versions), 2), object)
    for place, model in enumerate(fleet.models):
        for number, (owner, version) in enumerate(fleet.versions):
            task_type = fleet.task_types[owner]
            text = (
                f'"provider":"{model.provider}","model":"{model.name}","task_type":"{task_type.name}",'
                f'"agent":"{task_type.agent}","prompt_name":"{task_type.prompt_name}"'
            )
            names[place, number] = text, f'{text},"prompt_version":"{version.name}"'
    return names


def _texts(ids: Texts) -> list[str]:
    texts: list[str] = ids.astype(str).tolist()
    return texts


def _times(time_us: Ints) -> list[str]:
    """2026-04-11T20:04:22.123456 of each."""
    texts: list[str] = np.datetime_as_string(time_us.astype("datetime64[us]")).tolist()
    return texts


def _durations(duration_us: Ints) -> list[Sequence[Any]]:
    seconds, rest = np.divmod(duration_us, 1_000_000)
    return [seconds.tolist(), rest.tolist()]
