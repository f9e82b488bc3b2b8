"""Tasks: their calls belong together, and what becomes known of them comes after."""

import numpy as np

from simulation import parameters
from simulation.calls import NONE, EvidenceKind, Outcome
from simulation.fleet import FLEET
from simulation.tasks import ROUNDS_MAX
from tests.simulation.world import START_US, week


def test_ids_are_unique_and_sort_by_time() -> None:
    for ids, times in ((week().calls.call_id, week().calls.start_us), (week().evidence.evidence_id, week().evidence.observe_us)):
        assert len(np.unique(ids)) == len(ids)
        assert all(len(each) == 15 for each in ids.tolist())
        order = np.argsort(ids, kind="stable")
        assert (np.diff(times[order] // 1_000) >= 0).all()


def test_the_calls_of_a_task_follow_one_another() -> None:
    calls, seen = week().calls, week()
    order = np.lexsort((calls.start_us, calls.task_id))
    sorted_calls = calls.take(order)
    is_next = sorted_calls.task_id[1:] == sorted_calls.task_id[:-1]
    before, after = sorted_calls.take(np.arange(len(order) - 1)[is_next]), sorted_calls.take(np.arange(1, len(order))[is_next])
    assert len(before.start_us) > 10_000
    assert (after.start_us > before.end_us).all()
    assert (before.version == after.version).all()
    was_answered = before.outcome == Outcome.SUCCEEDED
    assert (after.revision_count - before.revision_count == was_answered).all()
    assert (before.outcome != Outcome.CANCELLED).all()
    lengths = np.unique(calls.task_id, return_counts=True)[1]
    assert lengths.max() <= ROUNDS_MAX
    assert lengths.mean() == np.float64(len(order)) / len(lengths)
    assert abs(lengths.mean() - parameters.CALLS_PER_TASK) < 0.03
    assert calls.revision_count.max() == parameters.REVISIONS_MAX
    # The third try asks another model, and no other one does.
    has_moved = before.model != after.model
    assert has_moved.any()
    assert (~was_answered[has_moved]).all()
    assert seen.calls.start_us.min() >= START_US


def test_evidence_comes_after_what_it_speaks_of_and_as_its_kind_has_it() -> None:
    calls, evidence = week().calls, week().evidence
    evaluations = week().evaluations
    places = week().calls_of(evaluations)
    assert (places >= 0).all()
    assert week().is_answered[places].all()
    assert (evaluations.observe_us > calls.end_us[places]).all()
    assert ((evaluations.first >= 0) & (evaluations.first <= 1)).all()
    of_tasks = evidence.take(evidence.kind > EvidenceKind.VERIFIED)
    assert np.isin(of_tasks.subject_id, calls.task_id).all()
    end_us: dict[bytes, int] = {}
    for task_id, call_end_us in zip(calls.task_id.tolist(), calls.end_us.tolist(), strict=True):
        end_us[task_id] = max(end_us.get(task_id, 0), call_end_us)
    # What is known of a task speaks of its result, once.
    assert all(time > end_us[task] for task, time in zip(of_tasks.subject_id.tolist(), of_tasks.observe_us.tolist(), strict=True))
    subjects = list(zip(of_tasks.subject_id.tolist(), of_tasks.kind.tolist(), strict=True))
    assert len(set(subjects)) == len(subjects)
    kinds = {kind: evidence.take(evidence.kind == kind) for kind in EvidenceKind}
    assert all(len(each.kind) for each in kinds.values())
    assert set(kinds[EvidenceKind.FEEDBACK].second.tolist()) == {0.0, 1.0}
    assert (kinds[EvidenceKind.TESTS].second >= 0).all()
    assert ((kinds[EvidenceKind.COVERAGE].first >= 0) & (kinds[EvidenceKind.COVERAGE].first <= 1)).all()
    assert set(kinds[EvidenceKind.REVISION].first.tolist()) == {1.0, 2.0}
    writes_code = [place for place, each in enumerate(FLEET.task_types) if each.writes_code]
    of_code = calls.task_id[np.isin(week().task_type, writes_code)]
    assert np.isin(kinds[EvidenceKind.TESTS].subject_id, of_code).all()


def test_what_failed_has_an_error_and_no_answer() -> None:
    calls = week().calls
    is_answered = week().is_answered
    assert set(np.unique(calls.outcome).tolist()) == {int(each) for each in Outcome}
    assert (calls.error[is_answered] == NONE).all()
    has_error = ~is_answered & (calls.outcome != Outcome.CANCELLED)
    assert (calls.error[has_error] != NONE).all()
    assert (calls.input_count[~is_answered] == NONE).all()
    assert (calls.cost_nanos[~is_answered] == NONE).all()
    timed_out = calls.outcome == Outcome.TIMED_OUT
    assert (calls.latency_us[timed_out] == parameters.TIMEOUT_S * 1e6).all()


def test_tokens_are_parts_of_one_another() -> None:
    calls = week().calls.take(week().calls.input_count != NONE)
    assert (calls.cached_count <= calls.input_count).all()
    assert (calls.reasoning_count <= calls.output_count).all()
    assert (calls.output_count >= 1).all()
    thinks = np.array([model.thinking_ratio > 0 for model in FLEET.models])[calls.model]
    assert (calls.reasoning_count[~thinks] == 0).all()
    assert (calls.reasoning_count[thinks] > 0).mean() > 0.9
