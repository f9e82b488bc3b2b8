"""The pages for those who run a process."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from kit import metrics, ops_http
from kit.errors import AssayError
from kit.health import Readiness

IN_TIME_S = 60.0


async def test_a_process_is_alive_before_it_is_ready() -> None:
    readiness = Readiness("database", "bus")
    async with ops_http.serve("127.0.0.1:0", readiness) as address, httpx.AsyncClient(timeout=IN_TIME_S) as client:
        assert (await client.get(f"http://{address}/healthz")).text == "ok\n"
        readiness.set("bus", False, "connection refused")
        response = await client.get(f"http://{address}/readyz")
        assert response.status_code == 503
        assert response.json() == {
            "ready": False,
            "reasons": {"database": "starting", "bus": "connection refused"},
        }
        readiness.set("database", True)
        readiness.set("bus", True)
        response = await client.get(f"http://{address}/readyz")
        assert (response.status_code, response.json()) == (200, {"ready": True, "reasons": {}})
        readiness.tell("analyzer", False, "cannot be reached")
        response = await client.get(f"http://{address}/readyz")
        assert (response.status_code, response.json()["without"]) == (200, {"analyzer": "cannot be reached"})
        readiness.tell("analyzer", True)
        readiness.close()
        readiness.set("bus", True)
        response = await client.get(f"http://{address}/readyz")
        assert (response.status_code, response.json()["reasons"]) == (503, {"process": "stopping"})
        assert (await client.get(f"http://{address}/healthz")).status_code == 200


async def test_metrics_are_in_prometheus_form() -> None:
    async with ops_http.serve("127.0.0.1:0", Readiness()) as address, httpx.AsyncClient(timeout=IN_TIME_S) as client:
        response = await client.get(f"http://{address}/metrics")
    assert response.headers["content-type"] == metrics.exposition()[1]
    assert "# TYPE assay_rpc_seconds histogram" in response.text or "# TYPE assay_log_records_total counter" in response.text
    assert "process_resident_memory_bytes" in response.text


async def test_leaving_frees_the_port() -> None:
    async with ops_http.serve("127.0.0.1:0", Readiness()) as address:
        with pytest.raises(AssayError) as caught:
            async with ops_http.serve(address, Readiness()):
                pass
        assert caught.value.reason == "ADDRESS_UNAVAILABLE"
    async with ops_http.serve(address, Readiness()) as again:
        assert again == address


async def test_an_address_that_others_reach_needs_a_setting() -> None:
    with pytest.raises(AssayError) as caught:
        async with ops_http.serve("0.0.0.0:0", Readiness()):
            pass
    assert caught.value.reason == "LISTEN_INSECURE"
    async with ops_http.serve("0.0.0.0:0", Readiness(), allow_insecure=True) as address:
        assert address.startswith("0.0.0.0:")


async def test_an_open_response_does_not_hold_the_stop_for_ever() -> None:
    async def endless(_request: Request) -> Response:
        async def pieces() -> object:
            while True:
                yield b"piece"
                await asyncio.sleep(0.01)

        return StreamingResponse(pieces())  # type: ignore[arg-type]

    application = Starlette(routes=[Route("/", endless)])
    async with asyncio.timeout(IN_TIME_S), httpx.AsyncClient(timeout=IN_TIME_S) as client:
        async with ops_http.serve_application(application, "127.0.0.1:0", grace_s=1) as address:
            response = await client.send(client.build_request("GET", f"http://{address}/"), stream=True)
            assert response.status_code == 200
        await response.aclose()
