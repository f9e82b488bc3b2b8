"""What Assay says of a replayed file is what the file says."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from assay.collector.v1.metrics_service_pb2 import ListCallsRequest
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from assay.telemetry.v1.call_pb2 import Call
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.system.samples import varied_calls, varied_evidence
from tests.system.suite import ANSWER_TIMEOUT_S, Suite
from tests.system.truth import TOKEN_FIELDS, Json, Sums, read_lines, start_of, sums_by

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[3] / "shared" / "data"
GENERATED_CALLS = 600
SEED = 20_260_402
# A score is kept in billionths, so a mean of them is as exact.
QUALITY_TOLERANCE = 1e-8
PAGE_SIZE = 500


@dataclass(frozen=True)
class Replayed:
    """A project into which a file of calls and one of evidence were replayed, in that order."""

    project: str
    calls_file: Path
    evidence_file: Path
    calls: list[Json]
    evidence: list[Json]
    tallies: list[Json]

    @property
    def first(self) -> datetime:
        """Start of the earliest call."""
        return min(map(start_of, self.calls))

    @property
    def last(self) -> datetime:
        """Start of the latest call."""
        return max(map(start_of, self.calls))


@pytest.fixture(scope="module", params=["generated", "reference"])
def replayed(request: pytest.FixtureRequest, suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """Replayed by the command, as a user does it."""
    if request.param == "reference":
        files = DATA / "llm_calls.jsonl.gz", DATA / "llm_evidence.jsonl.gz"
        if not all(file.is_file() for file in files):
            pytest.skip(f"the reference data is not in {DATA}")
    else:
        files = write_generated(tmp_path_factory.mktemp("files"))
    project = str(suite.assay("projects", "create", f"truth-{request.param}")["project"])
    tallies = [suite.assay("replay", file, "--project", project) for file in files]
    return Replayed(project, *files, read_lines(files[0]), read_lines(files[1]), tallies)


def write_generated(directory: Path) -> tuple[Path, Path]:
    """Files of calls over the last fortnight and more, so that minutes and quarters of an hour are both asked for, and their evidence."""
    now = datetime.now(UTC)
    calls = varied_calls(SEED, GENERATED_CALLS, now - timedelta(days=20), now - timedelta(minutes=1), "truth-")
    calls_file, evidence_file = directory / "calls.jsonl", directory / "evidence.jsonl"
    calls_file.write_text("".join(map(json_line, calls)))
    # Of other evidence the analyzer makes scores, in its own time.
    evidence = [piece for piece in varied_evidence(SEED, calls) if piece.WhichOneof("kind") == "evaluation"]
    evidence_file.write_text("".join(map(json_line, evidence)))
    return calls_file, evidence_file


def json_line(message: Message) -> str:
    return json_format.MessageToJson(message, indent=None, preserving_proto_field_name=True) + "\n"


@pytest.fixture
def http(suite: Suite) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {suite.admin_key}"}
    with httpx.Client(base_url=suite.url, headers=headers, timeout=ANSWER_TIMEOUT_S, trust_env=False) as client:
        yield client


def windows(http: httpx.Client, replayed: Replayed, **parameters: str) -> dict[tuple[str, ...], list[Json]]:
    """The windows of each group; the whole range of the file unless another one is asked for."""
    question = {"start": replayed.first.isoformat(), "end": (replayed.last + timedelta(minutes=1)).isoformat()}
    answer = http.get("/api/v1/metrics", params={"project": replayed.project, **question, **parameters})
    assert answer.status_code == 200, answer.text
    return {tuple(series["key"].values()): series["windows"] for series in answer.json()["series"]}


def assert_same(window: Json, sums: Sums, group: str) -> None:
    assert window["call_count"] == sums.calls, group
    assert {name: number for name, number in window["outcome_counts"].items() if number} == dict(sums.outcomes), group
    assert {name: window[name] for name in TOKEN_FIELDS} == {name: sums.tokens[name] for name in TOKEN_FIELDS}, group
    assert round(window["cost_usd"] * 1e9) == sums.cost_usd_nanos, group
    assert window["cost_unknown_count"] == 0, group
    assert window["success_ratio"] == pytest.approx(sums.success_ratio, rel=1e-12), group
    assert window["quality_count"] == len(sums.scores), group
    assert window["quality_ratio"] == pytest.approx(sums.quality_ratio, abs=QUALITY_TOLERANCE), group


def test_every_line_was_sent_and_accepted(replayed: Replayed) -> None:
    for tally, lines in zip(replayed.tallies, (replayed.calls, replayed.evidence), strict=True):
        assert tally == {"sent": len(lines), "accepted": len(lines), "rejected": 0, "duplicates": 0}


@pytest.mark.parametrize("dimension", ["provider", "model", "task_type"])
def test_totals_by_group_are_those_of_the_file(http: httpx.Client, replayed: Replayed, dimension: str) -> None:
    expected = sums_by(dimension, replayed.calls, replayed.evidence)
    found = windows(http, replayed, group_by=dimension)
    assert found.keys() == {(group,) for group in expected}
    for group, sums in expected.items():
        (window,) = found[group,]
        assert_same(window, sums, group)


def test_totals_of_provider_and_task_together_and_of_a_filter(http: httpx.Client, replayed: Replayed) -> None:
    found = windows(http, replayed, group_by="provider,task_type")
    pairs = {(call["provider"], call["task_type"]) for call in replayed.calls}
    assert found.keys() == pairs
    provider = replayed.calls[0]["provider"]
    of_provider = [call for call in replayed.calls if call["provider"] == provider]
    (filtered,) = windows(http, replayed, provider=provider)[()]
    assert_same(filtered, sums_by("provider", of_provider, replayed.evidence)[provider], provider)


@pytest.mark.parametrize(("step", "step_s"), [("1h", 3_600), ("15m", 900), ("1d", 86_400)])
def test_windows_hold_the_calls_that_started_in_them(http: httpx.Client, replayed: Replayed, step: str, step_s: int) -> None:
    since_s = (replayed.last - timedelta(days=10)).timestamp() // 86_400 * 86_400
    starts_s = [start_of(call).timestamp() for call in replayed.calls]
    expected = Counter(start_s // step_s * step_s for start_s in starts_s if start_s >= since_s)
    end = replayed.last + timedelta(minutes=1)
    found = windows(http, replayed, start=str(int(since_s)), end=end.isoformat(), step=step)[()]
    assert {datetime.fromisoformat(window["start"]).timestamp(): window["call_count"] for window in found} == expected


def test_a_range_that_fits_no_window_is_snapped_outwards(http: httpx.Client, replayed: Replayed) -> None:
    """By quarters of an hour where minutes are no longer kept, by minutes where they are."""
    middle = replayed.calls[len(replayed.calls) // 2]
    start, end = start_of(middle) - timedelta(minutes=7, seconds=11), start_of(replayed.calls[-1]) - timedelta(seconds=3)
    (window,) = windows(http, replayed, start=start.isoformat(), end=end.isoformat())[()]
    first, last = (datetime.fromisoformat(window[name]) for name in ("start", "end"))
    assert timedelta() <= start - first < timedelta(minutes=15)
    assert timedelta() <= last - end < timedelta(minutes=15)
    inside = [call for call in replayed.calls if first <= start_of(call) < last]
    assert window["call_count"] == len(inside) > 0
    assert round(window["cost_usd"] * 1e9) == sum(int(call["cost_usd_nanos"]) for call in inside)


def test_days_in_another_zone_are_that_zones_days(http: httpx.Client, replayed: Replayed) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    found = windows(http, replayed, step="1d", tz=zone.key)[()]
    counts = {datetime.fromisoformat(window["start"]).astimezone(zone): window["call_count"] for window in found}
    assert all(start.time() == time() for start in counts)
    assert {start.date(): number for start, number in counts.items()} == Counter(
        start_of(call).astimezone(zone).date() for call in replayed.calls
    )


async def test_pages_hold_every_call_exactly_once_as_it_was_sent(suite: Suite, replayed: Replayed) -> None:
    listed: list[Call] = []
    request = ListCallsRequest(project=replayed.project, page_size=PAGE_SIZE)
    async with suite.channel() as channel:
        metrics = MetricsServiceStub(channel)
        while True:
            page = await metrics.ListCalls(request, timeout=ANSWER_TIMEOUT_S)
            listed += [stored.call for stored in page.calls]
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
            assert len(page.calls) == PAGE_SIZE
    starts = [call.start_time.ToMicroseconds() for call in listed]
    assert starts == sorted(starts, reverse=True)
    sent = [json_format.ParseDict(call, Call()) for call in replayed.calls]
    assert sorted(listed, key=call_id_of) == sorted(sent, key=call_id_of)


def call_id_of(call: Call) -> str:
    return call.call_id


def test_a_second_replay_adds_nothing_and_the_ledger_balances(suite: Suite, http: httpx.Client, replayed: Replayed) -> None:
    """The last test of the file: it changes the ledger."""
    before = windows(http, replayed, group_by="provider,model,task_type")
    for file, lines in ((replayed.calls_file, replayed.calls), (replayed.evidence_file, replayed.evidence)):
        again = suite.assay("replay", file, "--project", replayed.project)
        assert again == {"sent": len(lines), "accepted": 0, "rejected": 0, "duplicates": len(lines)}
    assert windows(http, replayed, group_by="provider,model,task_type") == before
    account = suite.assay("ledger", "--project", replayed.project)
    for kind, lines in (("call", replayed.calls), ("evidence", replayed.evidence)):
        total = account["totals"][kind]
        assert total["received_count"] == 2 * len(lines)
        assert total["stored_count"] == total["duplicate_count"] == len(lines)
        assert total["rejected_count"] == total["dead_lettered_count"] == total["in_flight_count"] == 0
    assert account["waiting_evidence_count"] == 0
