"""Evidence becomes a score, is told, and is counted where its call or task is."""

import signal
from functools import partial

from assay.analyzer.v1 import quality_service_pb2 as contract
from assay.analyzer.v1.quality_service_pb2_grpc import QualityServiceStub
from assay.collector.v1 import evidence_service_pb2 as stored
from assay.collector.v1.evidence_service_pb2_grpc import EvidenceServiceStub

from kit import rpc
from kit.bus import Bus
from services.analyzer import streams
from tests.analyzer.quality_service.site import JUNIT, Scored, evaluation, evidence
from tests.analyzer.service.site import DEADLINE_S, Analyzer, Site, analyzer_process, analyzing, eventually

TESTS = contract.QUALITY_COMPONENT_TESTS
COVERAGE = contract.QUALITY_COMPONENT_COVERAGE
EVALUATION = contract.QUALITY_COMPONENT_EVALUATION


async def test_a_report_becomes_a_score_with_its_explanation_and_is_measured(quality: Scored, bus: Bus) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a")
    await quality.record(project, evidence(call_id="a", tests={"junit_xml": JUNIT}))
    found = await quality.scored(project, call_id="a")
    assert found.key.task_type == "code_review"
    assert 0 < found.score_ratio < 0.7
    assert found.low_ratio < found.score_ratio < found.high_ratio
    (component,) = found.components
    assert (component.component, component.evidence_count, component.share_ratio) == (TESTS, 1, 1.0)
    assert any(finding.path == "tests/test_a.py" and finding.line == 7 for finding in found.findings)
    await quality.counted(project, 1, found.score_ratio)
    await quality.record(project, evaluation(1.0, call_id="a"))
    better = await quality.scored(project, 2, call_id="a")
    assert better.score_ratio > found.score_ratio and better.version > found.version
    await quality.counted(project, 1, better.score_ratio)
    assert (await bus.stream_state(streams.CONTENT)).message_count == 0  # dropped when it was scored
    assert (await bus.stream_state(streams.SCORES)).message_count == 0


async def test_who_watches_is_told_that_scores_were_made(quality: Scored) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a", "b")
    async with quality.analyzer.channel() as channel:
        watch = QualityServiceStub(channel).WatchQuality(contract.WatchQualityRequest(project=project), timeout=DEADLINE_S)
        assert await watch.read() == contract.WatchQualityResponse(list_again=True)
        await quality.record(project, evaluation(0.5, call_id="a"), evaluation(0.9, call_id="b"))
        made = 0
        while made < 2:
            told = await watch.read()
            made += told.score_count
            assert told.score_count > 0 and told.HasField("score_time") and not told.list_again
        watch.cancel()
    found = await quality.scored(project, call_id="a")
    assert found.score_time.ToMicroseconds() <= told.score_time.ToMicroseconds()


async def test_evidence_waits_for_its_call_and_its_task(quality: Scored) -> None:
    project = await quality.site.project()
    await quality.record(project, evidence(call_id="a", coverage={"covered_ratio": 0.5}), evidence(task_id="t", revision={"count": 1}))

    async def both() -> bool:
        found = [await quality.quality(project, call_id="a"), await quality.quality(project, task_id="t")]
        return all(one and one.score_ratio and not one.HasField("key") for one in found)

    await eventually(both)
    await quality.record_calls(project, "a", task_id="t")
    call, task = await quality.scored(project, call_id="a"), await quality.scored(project, task_id="t")
    assert call.key == task.key and call.start_time == task.start_time
    await quality.counted(project, 2, call.score_ratio + task.score_ratio)


async def test_evaluations_alone_are_left_to_the_collector_and_give_the_same(quality: Scored) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a", "b")
    await quality.record(project, evaluation(0.5, call_id="a"), evaluation(0.9, "human", call_id="a"), evaluation(0.3, call_id="b"))
    found = await quality.scored(project, 2, call_id="a")
    assert abs(found.score_ratio - 0.7) < 1e-12
    assert [component.component for component in found.components] == [EVALUATION]
    await quality.counted(project, 2, 1.0)


async def test_what_cannot_be_read_leaves_its_component_missing_and_says_why(quality: Scored) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a")
    broken = b"<testsuite>\n<testcase>\n</testsuite>"
    covered = evidence(call_id="a", coverage={"covered_ratio": 0.8})
    await quality.record(project, evidence(call_id="a", tests={"junit_xml": broken}), covered)
    found = await quality.scored(project, 2, call_id="a")
    missing, read = sorted(found.components, key=lambda one: one.component)
    assert (missing.component, missing.HasField("score_ratio")) == (TESTS, False)
    assert missing.missing_reason.startswith("line 3")
    assert (read.component, read.share_ratio) == (COVERAGE, 1.0)


async def test_evidence_has_positions_in_the_order_of_its_storing(quality: Scored) -> None:
    project, other = await quality.site.project(), await quality.site.project()
    for number in range(3):
        await quality.record(project, evidence(evidence_id=f"e-{number}", task_id="t", revision={"count": number}))
        await quality.record(other, evidence(evidence_id=f"e-{number}", task_id="t", revision={"count": 9}))
        await eventually(partial(quality.rests_on, project, number + 1, task_id="t"))
    async with rpc.connect(quality.site.collector, secret=quality.site.service) as channel:
        stub = EvidenceServiceStub(channel)
        seen: list[stored.StoredEvidence] = []
        while page := (
            await stub.ListEvidence(
                stored.ListEvidenceRequest(project=project, after_position=seen[-1].position if seen else 0, page_size=2)
            )
        ).evidence:
            seen += page
    assert [one.evidence.revision.count for one in seen] == [0, 1, 2]
    assert [one.position for one in seen] == sorted({one.position for one in seen})


async def test_who_is_killed_is_followed_by_another_and_all_is_scored_once(site: Site) -> None:
    project = await site.project()
    async with analyzer_process(site, "127.0.0.1:0") as first:
        quality = Scored(site, Analyzer("", site))
        await quality.record_calls(project, *(f"c-{number}" for number in range(40)))
        pieces = [evidence(call_id=f"c-{number}", tests={"junit_xml": JUNIT}) for number in range(40)]
        await quality.record(project, *pieces[:20])

        async def some_are_counted() -> bool:
            return (await quality.measured(project))[0] > 0

        await eventually(some_are_counted)
        await quality.record(project, *pieces[20:])
        first.send_signal(signal.SIGKILL)
        await first.wait()
    async with analyzing(site) as second:
        quality = Scored(site, second)
        found = [await quality.scored(project, call_id=f"c-{number}") for number in range(40)]
        assert {one.score_ratio for one in found} == {found[0].score_ratio}
        await quality.counted(project, 40, 40 * found[0].score_ratio)
        assert [await quality.scored(project, call_id=f"c-{number}") for number in range(3)] == found[:3]
