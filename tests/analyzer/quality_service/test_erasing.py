"""What the collector erases, the analyzer erases too."""

from collections.abc import Iterator

import grpc.aio
import pytest
from assay.collector.v1 import erasure_service_pb2 as erasures
from assay.collector.v1.erasure_service_pb2_grpc import ErasureServiceStub
from sqlalchemy import text

from kit import database, rpc
from services.analyzer import erasing
from services.analyzer.store.erasing import _OF_PROJECT
from services.analyzer.tables import metadata
from services.collector import erasing as collector_erasing
from tests.analyzer.quality_service.site import Scored, evaluation
from tests.analyzer.service.site import DEADLINE_S, eventually

# Settings of a project, which are not records.
KEPT = {"quality_project"}


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erasing, "STREAM_WAIT_S", 0.2)
        patch.setattr(collector_erasing, "EVERY_S", 0.2)
        yield


async def erase(quality: Scored, project: str, **subject: str) -> None:
    request = erasures.EraseRecordsRequest(project=project, erasure_id="x", **subject)  # type: ignore[arg-type]
    async with rpc.connect(quality.site.collector, secret=quality.site.admin) as channel:
        await ErasureServiceStub(channel).EraseRecords(request, timeout=DEADLINE_S)


async def kept_rows(quality: Scored, database_url: str, project: str) -> int:
    """How many readings and scores the analyzer has of a project."""
    own = "(SELECT count(*) FROM analyzer.{} WHERE project = :p)"
    counts = f"SELECT {own.format('score')} + {own.format('evidence_reading')}"
    async with database.engine(database_url, pool_size=1) as engine, engine.connect() as connection:
        return int((await connection.execute(text(counts), {"p": project})).scalar_one())


async def test_scores_and_readings_of_an_erased_task_are_gone(quality: Scored, database_url: str) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a", "b", task_id="t")
    await quality.record_calls(project, "other")
    await quality.record(project, evaluation(0.5, call_id="a"), evaluation(0.5, task_id="t"), evaluation(0.25, call_id="other"))
    await quality.scored(project, call_id="a")
    await quality.scored(project, task_id="t")
    await quality.scored(project, call_id="other")
    await erase(quality, project, task_id="t")

    async def is_gone() -> bool:
        return await quality.quality(project, call_id="a") is None and await quality.quality(project, task_id="t") is None

    assert await eventually(is_gone)
    assert await quality.quality(project, call_id="other") is not None
    assert await kept_rows(quality, database_url, project) == 2
    await quality.counted(project, 1, 0.25)


async def test_nothing_is_left_of_an_erased_project(quality: Scored, database_url: str) -> None:
    project = await quality.site.project()
    await quality.record_calls(project, "a", task_id="t")
    await quality.record(project, evaluation(0.5, call_id="a"))
    await quality.scored(project, call_id="a")
    await erase(quality, project, whole_project=project)

    async def is_gone() -> bool:
        return await kept_rows(quality, database_url, project) == 0

    assert await eventually(is_gone)
    await quality.record_calls(project, "new")  # and it goes on
    await quality.record(project, evaluation(0.75, call_id="new"))
    assert (await quality.scored(project, call_id="new")).score_ratio > 0


async def test_a_project_is_erased_by_its_own_name_alone(quality: Scored) -> None:
    project = await quality.site.project()
    for subject in ({"whole_project": "default"}, {"task_id": ""}, {"task_id": "x" * 65}, {}):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await erase(quality, project, **subject)
        error = rpc.error_of(refused.value)
        assert error.reason == "FIELD_INVALID", subject
    await erase(quality, project, task_id="t")
    await erase(quality, project, task_id="t")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await erase(quality, project, task_id="u")
    assert rpc.error_of(refused.value).reason == "ERASURE_EXISTS"


def test_every_table_is_erased_or_is_said_to_be_kept() -> None:
    statements = " ".join(map(str, _OF_PROJECT))
    tables = {name.split(".")[1] for name in metadata.tables}
    assert {name for name in tables if f"DELETE FROM analyzer.{name} " not in statements} == KEPT
