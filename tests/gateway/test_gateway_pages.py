"""The dashboard's files, the headers that browsers obey, health, metrics, the OpenAPI document, the process itself."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import pytest

from gateway.__main__ import main
from kit import listen
from tests.gateway.neighbour import Neighbour
from tests.gateway.site import DEADLINE_S, Site, eventually, is_ready, running

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["/", "/login?token=t", "/calls/c1", "/settings/keys", "/receivers/team.mail"])
async def test_every_place_in_the_dashboard_is_its_page(site: Site, path: str) -> None:
    answer = await site.http.get(path)

    assert answer.status_code == 200
    assert "<title>Assay</title>" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert not site.neighbour.asked  # showing the login page uses no token up


async def test_assets_are_kept_for_ever_and_other_files_are_not(site: Site) -> None:
    asset = await site.http.get("/assets/index-1a2b.js")
    icon = await site.http.get("/favicon.svg")

    assert asset.text == "export {}"
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"].startswith("text/javascript")
    assert (icon.text, icon.headers["cache-control"]) == ("<svg/>", "no-cache")


async def test_a_file_that_is_not_there_is_not_the_page(site: Site) -> None:
    assert (await site.http.get("/robots.txt")).status_code == 404


async def test_the_head_of_a_page_can_be_asked_for(site: Site) -> None:
    answer = await site.http.head("/")

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/", "/assets/index-1a2b.js"])
async def test_a_dashboard_that_is_not_built_says_how_to_build_it(tmp_path: Path, path: str) -> None:
    async with running(Neighbour(), tmp_path / "nothing") as site:
        answer = await site.http.get(path)

    assert answer.status_code == 503
    assert "make setup" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/", "/api/v1/metrics", "/api/v1/nothing", "/api/v1/docs", "/healthz"])
async def test_browsers_are_told_to_trust_only_us(site: Site, path: str) -> None:
    headers = (await site.http.get(path)).headers

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


async def test_ready_means_that_the_collector_is(site: Site) -> None:
    assert (await site.http.get("/healthz")).status_code == 200
    await eventually(partial(is_ready, site))


async def test_not_ready_says_why(dist: Path) -> None:
    neighbour = Neighbour()
    neighbour.readiness.set("bus", ready=False, why="away")
    async with running(neighbour, dist) as site:

        async def says_why() -> bool:
            answer = await site.http.get("/readyz")
            assert answer.status_code == 503
            return bool(answer.json()["reasons"] == {"collector": "says that it is not ready"})

        await eventually(says_why)
        assert (await site.http.get("/healthz")).status_code == 200


async def test_metrics_count_routes_and_not_the_paths_that_callers_make_up(site: Site) -> None:
    await site.get("/calls/some-secret-id")
    await site.http.get("/some-made-up-page")
    await site.http.request("BREW", "/some-made-up-page")

    text = (await site.http.get("/metrics")).text

    assert 'assay_http_requests_total{method="GET",route="/api/v1/calls/{call_id:path}",status="200"}' in text
    assert 'assay_http_requests_total{method="GET",route="other",status="200"}' in text
    assert 'assay_http_requests_total{method="OTHER",route="other",status="405"}' in text
    assert "assay_sse_clients 0.0" in text
    assert "secret-id" not in text
    assert "made-up" not in text


async def test_the_document_describes_every_route_and_the_page_lists_them_without_scripts(site: Site) -> None:
    document = (await site.http.get("/api/v1/openapi.json")).json()
    page = (await site.http.get("/api/v1/docs")).text

    operations = {(method.upper(), path): operation for path, methods in document["paths"].items() for method, operation in methods.items()}
    assert len(operations) == 82
    for (method, path), operation in operations.items():
        assert f"{method} {path}" in page
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
        assert operation.get("security") or (method, path) == ("POST", "/api/v1/session")
    assert "<script" not in page
    content = operations["GET", "/api/v1/metrics"]["responses"]["200"]["content"]
    assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/Metrics"}}}
    stream = operations["GET", "/api/v1/stream"]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    assert "type" not in stream
    assert len(stream["anyOf"]) == 9


def test_the_document_can_be_had_without_serving(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gateway", "openapi"])

    assert main() == 0
    assert json.loads(capsys.readouterr().out)["info"]["title"] == "Assay"


def test_the_process_serves_until_it_is_told_to_stop() -> None:
    with listen.bind("127.0.0.1:0", allow_insecure=False) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "ASSAY_GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "ASSAY_GATEWAY_COLLECTOR_ADDRESS": "127.0.0.1:1",
    }
    process = subprocess.Popen([sys.executable, "-m", "gateway"], cwd=ROOT, env=environment)
    try:
        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            try:
                ready = httpx.get(f"http://127.0.0.1:{port}/readyz")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline_s
                time.sleep(0.05)
        assert (ready.status_code, list(ready.json()["reasons"])) == (503, ["collector"])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with listen.bind("127.0.0.1:0", allow_insecure=False) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = {"PATH": os.environ["PATH"], "ASSAY_GATEWAY_LISTEN": address}
        command = [sys.executable, "-m", "gateway"]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=DEADLINE_S, text=True)

    assert ended.returncode == 1
    assert address in ended.stderr
    assert ended.stderr.count("\n") == 1
