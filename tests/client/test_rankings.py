"""Choosing by rankings: against a service at the contract that tests can take away, break and refuse."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from assay.analyzer.v1.ranking_service_pb2 import RankProvidersRequest, RankProvidersResponse, WatchRankingsRequest, WatchRankingsResponse
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceServicer, add_RankingServiceServicer_to_server
from assay_client import Client, Outcome, tagged
from assay_client.choice import Candidate
from assay_client.rankings import TASK_TYPES_MAX, Rankings

from tests.client.conftest import NewClient
from tests.client.neighbour import Neighbour
from tests.client.programs import ROOT, run
from tests.client.support import DEADLINE_S, eventually

A, B, C = Candidate("a", "a-1"), Candidate("b", "b-1"), Candidate("c", "c-1")
TASK = "code_review"
DRAWS = 2_000
# Choices of the default before the first ranking is there: each takes a request.
ANSWERS_MAX = 50_000


def ranking(ranking_id: str = "r-1", *, is_stale: bool = False, **shares: float) -> RankProvidersResponse:
    """A ranking in which these providers have these shares."""
    response = RankProvidersResponse(ranking_id=ranking_id, task_type=TASK, is_stale=is_stale)
    for provider, share in shares.items():
        response.candidates.add(candidate={"provider": provider, "model": f"{provider}-1"}, suggested_share=share)
    return response


class Analyzer(RankingServiceServicer):
    """Tells everybody what it was made to tell last; an error ends the streams with it."""

    def __init__(self) -> None:
        self._told: list[RankProvidersResponse | grpc.StatusCode] = []
        self.asked: list[WatchRankingsRequest] = []
        self.keys: list[str] = []

    def tell(self, update: RankProvidersResponse | grpc.StatusCode) -> None:
        """Whoever asks is told that from now on."""
        self._told.append(update)

    def WatchRankings(self, request: WatchRankingsRequest, context: Any) -> Iterator[WatchRankingsResponse]:
        self.asked.append(request)
        self.keys.append(dict(context.invocation_metadata())["authorization"])
        seen = 0
        while context.is_active():
            time.sleep(0.01)
            if seen == len(self._told):
                continue
            seen = len(self._told)
            update = self._told[-1]
            if isinstance(update, grpc.StatusCode):
                context.abort(update, "as the test says")
            else:
                yield WatchRankingsResponse(ranking=update)


@contextmanager
def serving(analyzer: Analyzer, address: str = "127.0.0.1:0") -> Iterator[str]:
    """Serves it while the block runs; gives its address."""
    server = grpc.server(futures.ThreadPoolExecutor(4), options=(("grpc.so_reuseport", 0),))
    add_RankingServiceServicer_to_server(analyzer, server)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


@pytest.fixture
def analyzer() -> Analyzer:
    """It has told nothing yet."""
    return Analyzer()  # type: ignore[abstract]  # what nobody calls here is left out


@pytest.fixture
def rankings(analyzer: Analyzer) -> Iterator[Rankings]:
    """Rankings that it tells."""
    with serving(analyzer) as address:
        rankings = Rankings(C, url=address, key="secret")
        yield rankings
        rankings.close()


def shares_of(rankings: Rankings, among: tuple[Candidate, ...] = ()) -> dict[str, float]:
    """How often each is chosen."""
    drawn = Counter(rankings.choose(TASK, among).provider for _ in range(DRAWS))
    return {provider: count / DRAWS for provider, count in drawn.items()}


def test_choices_follow_the_suggested_shares_and_say_with_what_probability(rankings: Rankings, analyzer: Analyzer) -> None:
    assert rankings.choose(TASK) == rankings.choose(TASK)
    assert (rankings.choose(TASK).candidate, rankings.choose(TASK).origin) == (C, "default")
    analyzer.tell(ranking(a=0.75, b=0.25, c=0.0))
    assert rankings.wait(TASK, DEADLINE_S)
    assert shares_of(rankings) == pytest.approx({"a": 0.75, "b": 0.25}, abs=0.06)
    chosen = {choice.candidate: choice for choice in (rankings.choose(TASK) for _ in range(100))}
    assert {candidate: choice.selection_ratio for candidate, choice in chosen.items()} == pytest.approx({A: 0.75, B: 0.25})
    assert {(choice.ranking_id, choice.origin, choice.task_type) for choice in chosen.values()} == {("r-1", "ranking", TASK)}
    assert analyzer.keys == ["Bearer secret"] and analyzer.asked[0].question.task_type == TASK


def test_of_those_that_can_be_called_now_each_keeps_its_proportion(rankings: Rankings, analyzer: Analyzer) -> None:
    analyzer.tell(ranking(a=0.6, b=0.2, c=0.2))
    assert rankings.wait(TASK, DEADLINE_S)
    assert shares_of(rankings, (A, B)) == pytest.approx({"a": 0.75, "b": 0.25}, abs=0.06)
    assert rankings.choose(TASK, [B]).selection_ratio == 1.0
    others = (Candidate("x", "x-1"), Candidate("y", "y-1"))
    assert {(choice := rankings.choose(TASK, others)).candidate in others, choice.selection_ratio, choice.origin} == {True, 0.5, "default"}
    assert rankings.choose(TASK, (*others, C)).candidate == C


def test_the_question_is_asked_as_it_was_put(analyzer: Analyzer) -> None:
    with serving(analyzer) as address:
        question = RankProvidersRequest(denied_models=["x"], call_count_min=9)
        rankings = Rankings(A, candidates=[A, ("b", "b-1")], question=question, url=address, key="k", project="p")
        rankings.choose(TASK)
        eventually(lambda: analyzer.asked, "it is asked")
        rankings.close()
    (asked,) = analyzer.asked
    assert (asked.project, asked.question.denied_models[0], asked.question.call_count_min) == ("p", "x", 9)
    assert {(each.provider, each.model) for each in asked.question.candidates} == {A, B}


def test_a_change_is_followed_and_what_is_told_to_be_stale_is_old(rankings: Rankings, analyzer: Analyzer) -> None:
    for update, origin in (
        (ranking("r-1", a=1.0), "ranking"),
        (ranking("r-2", b=1.0), "ranking"),
        (ranking("r-2", is_stale=True, b=1.0), "old ranking"),
    ):
        analyzer.tell(update)
        expected = (update.ranking_id, origin)
        eventually(lambda expected=expected: ((choice := rankings.choose(TASK)).ranking_id, choice.origin) == expected)  # type: ignore[misc]


def test_a_ranking_without_anybody_leaves_the_default(rankings: Rankings, analyzer: Analyzer) -> None:
    analyzer.tell(ranking())
    assert rankings.wait(TASK, DEADLINE_S)
    assert rankings.choose(TASK).origin == "default"


def test_while_the_service_is_away_the_last_ranking_holds_and_then_the_default(
    analyzer: Analyzer, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(analyzer) as address:
        rankings, impatient = (Rankings(C, url=address, key="k", kept_s=kept_s) for kept_s in (3_600.0, 0.0))
        for each in (rankings, impatient):
            each.choose(TASK)
            analyzer.tell(ranking(a=1.0))
            assert each.wait(TASK, DEADLINE_S)
    eventually(lambda: rankings.choose(TASK).origin == "old ranking")
    assert rankings.choose(TASK).candidate == A
    eventually(lambda: impatient.choose(TASK).origin == "default")
    with serving(analyzer, address):
        analyzer.tell(ranking("r-2", b=1.0))
        eventually(lambda: {each.choose(TASK).ranking_id for each in (rankings, impatient)} == {"r-2"}, "it is asked again")
        rankings.close()
        impatient.close()
    assert "UNAVAILABLE" in caplog.text


def test_a_refusal_is_told_with_its_reason_and_the_default_chosen(
    rankings: Rankings, analyzer: Analyzer, caplog: pytest.LogCaptureFixture
) -> None:
    analyzer.tell(grpc.StatusCode.PERMISSION_DENIED)
    rankings.choose(TASK)
    eventually(lambda: "PERMISSION_DENIED" in caplog.text)
    assert rankings.choose(TASK).origin == "default" and not rankings.wait(TASK, 0.0)


def test_kinds_of_task_beyond_what_is_kept_have_the_default(rankings: Rankings, analyzer: Analyzer) -> None:
    with serving(analyzer) as address:
        rankings = Rankings(C, url=address, key="k")
        rankings.close()  # nothing is asked for after that
        for number in range(TASK_TYPES_MAX + 1):
            assert rankings.choose(f"task-{number}").candidate == C
        assert not rankings.wait(f"task-{TASK_TYPES_MAX}", 0.0) and not rankings.is_running


def test_a_wrong_setting_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="ASSAY_URL"):
        Rankings(A, url="http://127.0.0.1:7002")


def test_addresses_and_keys_come_from_the_environment(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_KEY", "of the client")
    with serving(analyzer) as address:
        monkeypatch.setenv("ASSAY_RANKINGS_URL", address)
        for key in ("of the client", "of its own"):
            if key == "of its own":
                monkeypatch.setenv("ASSAY_RANKINGS_KEY", key)
            rankings = Rankings(A)
            rankings.choose(TASK)
            eventually(lambda key=key: f"Bearer {key}" in analyzer.keys)  # type: ignore[misc]
            rankings.close()


@pytest.mark.usefixtures("server")
def test_a_choice_is_told_with_the_call_that_follows_it(
    rankings: Rankings, analyzer: Analyzer, new_client: NewClient, neighbour: Neighbour
) -> None:
    analyzer.tell(ranking(a=1.0))
    assert rankings.wait(TASK, DEADLINE_S)
    client: Client = new_client()
    with client.call(**rankings.choose(TASK).fields) as call:
        call.outcome(Outcome.SUCCEEDED)
    with tagged(choice=rankings.choose(TASK)) as tags:
        assert tags.fields_of("a-1", {})["ranking_id"] == "r-1"
        assert "ranking_id" not in tags.fields_of("another model", {})
    assert client.flush(DEADLINE_S)
    (recorded,) = neighbour.calls
    assert (recorded.provider, recorded.model, recorded.task_type) == ("a", "a-1", TASK)
    assert (recorded.ranking_id, recorded.selection_ratio) == ("r-1", 1.0)


FORKING = """
from assay_client.rankings import Rankings
rankings = Rankings(("c", "c-1"), url=os.environ["HOW"], key="k")
def await_ranking():
    while rankings.choose("code_review").origin != "ranking":
        time.sleep(0.01)
await_ranking()
child = os.fork()
assert rankings.choose("code_review").origin == "old ranking" or child
await_ranking()
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_forked_child_has_what_was_known_and_asks_by_itself(analyzer: Analyzer) -> None:
    analyzer.tell(ranking(a=1.0))
    with serving(analyzer) as address:
        done = run(FORKING, address, HOW=address)
    assert done.returncode == 0, done.stderr
    assert len(analyzer.asked) == 3


def test_the_example_of_a_selection_service_tells_choices(analyzer: Analyzer) -> None:
    analyzer.tell(ranking(b=1.0))
    with serving(analyzer) as address:
        environment = {**os.environ, "ASSAY_RANKINGS_URL": address, "ASSAY_KEY": "k", "LISTEN": "127.0.0.1:0"}
        command: list[str | Path] = [sys.executable, ROOT / "docs/examples/selection_service/selection_service.py", "c/c-1", "b/b-1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().strip().replace("TASK_TYPE", TASK)
                told = [httpx.get(url, trust_env=False).json()]
                while told[-1]["origin"] != "ranking":
                    assert len(told) < ANSWERS_MAX
                    told.append(httpx.get(url, trust_env=False).json())
                assert httpx.get(url.replace("choices", "other"), trust_env=False).status_code == 404
            finally:
                process.terminate()
    assert told[-1] == {
        "provider": "b",
        "model": "b-1",
        "task_type": TASK,
        "selection_ratio": 1.0,
        "ranking_id": "r-1",
        "origin": "ranking",
    }
    assert {(each["provider"], each["origin"]) for each in told[:-1]} <= {("c", "default")}
