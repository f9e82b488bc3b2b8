"""Whatever is sent, the answer is never INTERNAL: requests made up at random for every RPC and every route."""

import json
import random
from collections import Counter
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.message import Message

from tests.system import fuzz
from tests.system.suite import Suite
from tests.system.surface import HttpRequest, Route, answer_text, routes, rpcs, sending

pytestmark = pytest.mark.slow

SEED = 20_261_122
ROUNDS = 25  # for each RPC and each kind of request
REQUESTS_PER_ROUTE = 30
FILL_RATIO = 0.5  # of a route's parameters
ANSWER_TIMEOUT_S = 120.0
BUGS = frozenset({"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DEADLINE_EXCEEDED"})


@pytest_asyncio.fixture(scope="module")
async def secret(suite: Suite) -> str:
    """A key that may do everything, so that no request is turned away before it is read."""
    return (await suite.new_key("", "INSTALLATION_ADMIN"))[0]


def made_up(rng: random.Random, kind: type[Message]) -> list[bytes]:
    """A request of each sort: well-formed and absurd, damaged, and no message at all."""
    whole = fuzz.message(rng, kind).SerializeToString()
    return [whole, fuzz.damaged(rng, whole), fuzz.garbage(rng)]


@pytest.mark.parametrize("name", rpcs())
async def test_no_request_is_answered_with_a_bug(suite: Suite, secret: str, name: str) -> None:
    rpc, rng = rpcs()[name], random.Random(f"{SEED} {name}")
    seen: Counter[str] = Counter()
    async with suite.channel_to(suite.address_of(rpc.path), secret) as channel:
        for _ in range(ROUNDS):
            for request in made_up(rng, rpc.request_class):
                refused = await rpc.refusal(channel, request, timeout_s=ANSWER_TIMEOUT_S)
                seen[refused.reason if refused else "OK"] += 1
                assert refused is None or refused.reason not in BUGS, (name, refused, request)
    assert seen.total() == 3 * ROUNDS


VALUES: tuple[str, ...] = (
    *fuzz.TEXTS,
    "1e400",
    "-1",
    "NaN",
    "2026-13-45T99:00:00Z",
    "9" * 30,
    "0001-01-01T00:00:00Z",
    "1d",
    "7us",
    "Mars/Phobos",
)
IN_PATH = tuple(value for value in VALUES if value.isprintable() and value and "/" not in value)  # others no client sends
DEEP = json.loads("[" * 200 + "]" * 200)
CALLS: tuple[Any, ...] = (3, [None], [{}, {"call_id": 5}, []], DEEP, [{"start_time": "never", "usage": 1}])
EVIDENCE: tuple[Any, ...] = ("text", [{"x": {}}], [{"evaluation": {"score_ratio": "NaN"}}])
OTHERS: tuple[Any, ...] = ([], {}, None, 7, "text", {"project": "\x00"}, {"token": "\x00", "key": ""}, {"roles": [[]]})
BODIES = (*({"calls": calls} for calls in CALLS), *({"evidence": evidence} for evidence in EVIDENCE), *OTHERS)


def query(rng: random.Random, route: Route) -> HttpRequest:
    """Absurd values for some parameters, and a body of any shape."""
    names = [(name, where) for name, where in sorted(route.parameters) if where == "path" or rng.random() < FILL_RATIO]
    return HttpRequest(
        path={name: rng.choice(IN_PATH) for name, where in names if where == "path"},
        query={name: rng.choice(VALUES) for name, where in names if where == "query"},
        json=rng.choice(BODIES),
    )


async def test_no_route_answers_with_a_bug(suite: Suite, secret: str) -> None:
    rng = random.Random(SEED)
    async with suite.http(secret) as http:
        for route in (await routes(http)).values():
            for _ in range(REQUESTS_PER_ROUTE):
                request = query(rng, route)
                async with sending(http, route, request) as response:
                    assert response.status_code < 500 or response.status_code == 503, (route.name, request, await answer_text(response))
