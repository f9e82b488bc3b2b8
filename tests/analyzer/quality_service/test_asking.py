"""What is asked of quality: lists, summaries, weights, making anew, fitting; each project by itself."""

import asyncio
import time
from typing import Any

import pytest
from assay.analyzer.v1 import quality_service_pb2 as contract
from assay.collector.v1 import metrics_service_pb2 as metrics
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work import score_remote
from cli.work.connection import Target
from cli.work.score_evidence import Piece
from kit import database
from kit.bus import Bus
from kit.errors import AssayError
from services.analyzer import streams
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.store.quality import QualityStore
from services.analyzer.store.quality_records import Subject
from tests.analyzer.quality_service.site import JUNIT, Scored, evaluation, evidence
from tests.analyzer.service.site import eventually, refusal

NO_VALUE: Any = 99
Get, List, Summarize = contract.GetQualityRequest, contract.ListQualityRequest, contract.SummarizeQualityRequest
Update, Calibrate, Rescore = contract.UpdateQualityWeightsRequest, contract.CalibrateQualityRequest, contract.RescoreQualityRequest
Weights, OfType, Part = contract.QualityWeights, contract.TaskTypeWeights, contract.ComponentWeight
TESTS, FEEDBACK = contract.QUALITY_COMPONENT_TESTS, contract.QUALITY_COMPONENT_FEEDBACK


def method_of(request: Any) -> str:
    return str(type(request).__name__).removesuffix("Request")


def doubled() -> contract.QualityWeights:
    return Weights(task_types=[OfType(weights=[Part(component=TESTS, weight=1.0), Part(component=TESTS, weight=2.0)])])


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Get(), "FIELD_INVALID"),
        (Get(call_id=""), "FIELD_INVALID"),
        (Get(call_id="a\0"), "FIELD_INVALID"),
        (Get(task_id="a" * 65), "FIELD_INVALID"),
        (Get(call_id="nobody"), "QUALITY_UNKNOWN"),
        (List(order=NO_VALUE), "FIELD_INVALID"),
        (List(page_size=-1), "FIELD_INVALID"),
        (List(page_token="AAAA"), "PAGE_TOKEN_INVALID"),
        (List(filter=metrics.SeriesFilter(providers=["a\0"])), "FIELD_INVALID"),
        (Summarize(step=Duration(seconds=59)), "FIELD_INVALID"),
        (Summarize(group_by=[NO_VALUE]), "FIELD_INVALID"),
        (Summarize(end_time=Timestamp(seconds=1)), "FIELD_INVALID"),
        (Update(weights=Weights(version=3)), "VERSION_CONFLICT"),
        (Update(weights=doubled()), "FIELD_INVALID"),
        (Update(weights=Weights(task_types=[OfType(), OfType()])), "FIELD_INVALID"),
        (Update(weights=Weights(task_types=[OfType(weights=[Part(component=TESTS, weight=0)])])), "FIELD_INVALID"),
        (Update(weights=Weights(task_types=[OfType(weights=[Part(component=NO_VALUE, weight=1)])])), "FIELD_INVALID"),
        (Rescore(start_time=Timestamp(seconds=-1)), "FIELD_INVALID"),
        (Calibrate(), "EVIDENCE_TOO_LITTLE"),
        (Calibrate(task_type="a" * 129), "FIELD_INVALID"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_its_reason(quality: Scored, request_: Any, reason: str) -> None:
    assert await refusal(quality.ask(method_of(request_), request_)) == reason


async def test_scores_are_listed_and_summed_up_and_no_other_project_sees_them(quality: Scored) -> None:
    project, other = await quality.site.project(), await quality.site.project()
    for number, provider in ((1, "alpha"), (2, "alpha"), (3, "beta")):
        await quality.record_calls(project, f"c-{number}", provider=provider, task_id="t")
        await quality.record(project, evaluation(number / 4, call_id=f"c-{number}"))
    await quality.record(project, evaluation(1.0, task_id="t"))
    await quality.record(other, evaluation(0.125, call_id="c-1"))
    for number in (1, 2, 3):
        await quality.scored(project, call_id=f"c-{number}")
    await quality.scored(project, task_id="t")

    async def listed(**fields: Any) -> list[str]:
        names, token = [], ""
        while True:
            page = await quality.ask("ListQuality", List(project=project, page_size=2, page_token=token, **fields))
            names += [one.call_id or one.task_id for one in page.qualities]
            token = page.next_page_token
            if not token:
                return names

    assert await listed() == ["c-1", "c-2", "c-3", "t"]
    assert await listed(is_task=False, filter=metrics.SeriesFilter(providers=["alpha"])) == ["c-1", "c-2"]
    assert sorted(await listed(order=contract.QUALITY_ORDER_LATEST_FIRST)) == ["c-1", "c-2", "c-3", "t"]
    by_provider = [metrics.METRIC_DIMENSION_PROVIDER]
    summed = await quality.ask("SummarizeQuality", Summarize(project=project, group_by=by_provider))
    found = {one.key.provider: one for one in summed.summaries}
    assert abs(found["alpha"].mean_ratio - 0.375) < 1e-9 and found["alpha"].score_count == 2
    assert found["alpha"].mean_ratio < found["alpha"].estimate_ratio < found["beta"].mean_ratio
    assert found["alpha"].low_ratio < found["alpha"].estimate_ratio < found["alpha"].high_ratio
    assert [part.score_count for part in found["beta"].components] == [2]
    by_hour = await quality.ask("SummarizeQuality", Summarize(project=project, step=Duration(seconds=3_600)))
    assert sum(one.score_count for one in by_hour.summaries) == 4
    assert not (await quality.ask("SummarizeQuality", Summarize(project=other))).summaries
    nothing = await quality.ask("ListQuality", List(project=other))
    assert not nothing.qualities  # its call is not known, and the other project's is not its own
    unknown = await quality.quality(other, call_id="c-1")
    assert unknown is not None and not unknown.HasField("key")


async def test_new_weights_hold_from_now_on_and_for_what_is_made_anew(quality: Scored, bus: Bus) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a", "b")
    for name in "ab":
        await quality.record(project, evidence(call_id=name, tests={"junit_xml": JUNIT}), evaluation(1.0, call_id=name))
    before = [await quality.scored(project, 2, call_id=name) for name in "ab"]
    await quality.counted(project, 2, 2 * before[0].score_ratio)
    known = (await quality.ask("GetQualityWeights", contract.GetQualityWeightsRequest(project=project))).weights
    assert (known.version, [one.task_type for one in known.task_types], len(known.task_types[0].weights)) == (0, [""], 7)
    review = OfType(task_type="code_review", weights=[Part(component=TESTS, weight=0.001)])
    changed = await quality.ask("UpdateQualityWeights", Update(project=project, weights=Weights(task_types=[review], keep_content=True)))
    assert changed.weights.version == 1 and len(changed.weights.task_types) == 2
    assert await refusal(quality.ask("UpdateQualityWeights", Update(project=project, weights=Weights()))) == "VERSION_CONFLICT"
    later = Timestamp(seconds=int(time.time()) + 86_400)
    assert (await quality.ask("RescoreQuality", Rescore(project=project, start_time=later))).score_count == 2 - 2
    assert await quality.scored(project, 2, call_id="a") == before[0]
    assert (await quality.ask("RescoreQuality", Rescore(project=project))).score_count == 2

    async def is_made_anew() -> bool:
        return all([(await quality.scored(project, 2, call_id=name)).weights_version == 1 for name in "ab"])

    await eventually(is_made_anew)
    after = await quality.scored(project, 2, call_id="a")
    assert after.score_ratio > 0.98 and after.version > before[0].version
    await quality.counted(project, 2, 2 * after.score_ratio)
    # From now on the content is kept, and not on the bus.
    await quality.record(project, evidence(call_id="a", code={"content": b"def f(): return 1\n", "path": "f.py"}))
    await quality.scored(project, 3, call_id="a")
    assert (await bus.stream_state(streams.CONTENT)).message_count == 0


async def test_weights_are_fitted_to_feedback(quality: Scored) -> None:
    project = await quality.site.project()
    names = [f"c-{number}" for number in range(40)]
    await quality.record_calls(project, *names)
    pieces = []
    for number, name in enumerate(names):
        good = number % 2
        pieces += [
            evidence(call_id=name, feedback={"rating_ratio": good, "rater": f"r-{number}"}),
            evaluation(0.1 + 0.8 * good, call_id=name),
            evidence(call_id=name, coverage={"covered_ratio": (number * 7 % 10) / 10}),
        ]
    await quality.record(project, *pieces)
    for name in names:
        await quality.scored(project, 3, call_id=name)
    found = await quality.ask("CalibrateQuality", Calibrate(project=project, task_type="code_review"))
    assert found.sample_count == 40
    (summary,) = (await quality.ask("SummarizeQuality", Summarize(project=project))).summaries
    assert summary.score_count == 40 and abs(summary.estimate_ratio - summary.mean_ratio) < 1e-6  # nobody has a habit that shows
    assert found.fitted_error_ratio < found.present_error_ratio
    weights = {part.component: part.weight for part in found.fitted.weights}
    assert weights[contract.QUALITY_COMPONENT_EVALUATION] > weights[contract.QUALITY_COMPONENT_COVERAGE]


async def test_the_command_records_evidence_and_asks_for_scores(quality: Scored, capsys: pytest.CaptureFixture[str]) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a", task_id="t")
    collector, analyzer = (Target(address, quality.site.admin) for address in (quality.site.collector, quality.analyzer.address))
    pieces = [Piece(ReportKind.CODE, b"def f(x):\n    return x\n", "f.py"), Piece(ReportKind.JUNIT, JUNIT, "junit.xml")]
    for _ in range(2):
        assert await asyncio.to_thread(score_remote.send, collector, project, pieces, call_id="", task_id="t") == 2
    found = await quality.scored(project, 2, task_id="t")
    assert {TESTS, contract.QUALITY_COMPONENT_CODE} <= {component.component for component in found.components}
    with pytest.raises(AssayError, match="--task-id"):
        score_remote.send(collector, project, pieces, call_id="", task_id="")
    await asyncio.to_thread(score_remote.rescore, analyzer, project, None, None, json=False)
    assert "1 scores are made anew" in capsys.readouterr().out
    with pytest.raises(AssayError, match="feedback"):
        await asyncio.to_thread(score_remote.calibrate, analyzer, project, "", json=True)


async def test_what_is_past_its_time_is_forgotten_and_stays_measured(quality: Scored) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a")
    await quality.record(project, evidence(call_id="a", tests={"counts": {"passed_count": 9}}))
    found = await quality.scored(project, call_id="a")
    await quality.counted(project, 1, found.score_ratio)
    async with database.engine(quality.site.shared["database_url"]) as engine:
        store = QualityStore(engine)
        await store.forget(project, time.time_ns() // 1_000 - 3_600_000_000)
        assert await quality.quality(project, call_id="a") == found
        await store.forget(project, time.time_ns() // 1_000)
        assert await store.pieces(project, [Subject(is_task=False, subject_id="a")]) == {}
    assert await quality.quality(project, call_id="a") is None
    assert (await quality.measured(project))[0] == 1
