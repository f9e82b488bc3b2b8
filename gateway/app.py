"""The gateway put together: the application, its parts, and the server around it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import grpc.aio
from fastapi import FastAPI

from gateway import health, problems
from gateway.alerter import Alerter
from gateway.analyzer import Analyzer
from gateway.collector import Collector
from gateway.docs_page import DOCUMENT_PATH
from gateway.hub import Services
from gateway.hubs import Hubs
from gateway.live_stream import LiveStream
from gateway.login_limit import LoginLimit
from gateway.middleware import BodyLimit, Observation
from gateway.pages import Pages
from gateway.parts import Parts
from gateway.recording import BODY_BYTES_MAX
from gateway.recording_slots import RecordingSlots
from gateway.reporter import Reporter
from gateway.routes import (
    access,
    alerts,
    anomalies,
    baselines,
    calls,
    docs,
    exports,
    feedback,
    ledger,
    links,
    metrics,
    notification,
    prompts,
    quality,
    rankings,
    receivers,
    recording,
    report_links,
    report_schedules,
    reports,
    rules,
    scrape,
    session,
    silences,
    sources,
    stream,
    traces,
)
from gateway.settings import GatewaySettings
from kit import lifecycle, ops_http, rpc
from kit.health import Readiness

_ROUTERS = (
    *(metrics, stream, ledger, calls, anomalies, baselines, rankings, prompts, quality, alerts, rules, silences, receivers, notification),
    *(reports, report_schedules, report_links, links, feedback, recording, session, access, traces, docs),
    *(scrape, exports, sources),
)
_BODY_LIMITS = {
    **dict.fromkeys((*recording.PATHS, traces.PATH), BODY_BYTES_MAX),
    notification.POLICY_PATH: notification.POLICY_BYTES_MAX,
}


class GatewayApi(FastAPI):
    """FastAPI, with problems and live streams described as what they are."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; the dashboard's types are made from it."""
        if self.openapi_schema is None:
            for path in super().openapi()["paths"].values():
                for operation in path.values():
                    contents = operation["responses"]["default"]["content"]
                    contents[problems.MEDIA_TYPE] = contents.popitem()[1]
                    stream = operation["responses"].get("200", {}).get("content", {}).get(LiveStream.media_type)
                    if stream is not None:
                        del stream["schema"]["type"]  # of the text as a whole; what is described is an event's data
        return super().openapi()


def api(settings: GatewaySettings) -> FastAPI:
    """The application without its parts: enough to describe it."""
    app = GatewayApi(
        title="Assay",
        version="1",
        description="How AI agents and the providers behind them perform.",
        openapi_url=DOCUMENT_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,  # what is taken and given alike has one name
    )
    problems.install(app)
    for module in _ROUTERS:
        app.include_router(module.router)
    app.router.default = Pages(settings.dashboard_directory)
    app.add_middleware(BodyLimit, limits=_BODY_LIMITS)
    app.add_middleware(Observation)  # the last one added is the outermost
    return app


@dataclass(frozen=True)
class Channels:
    """Ways to the services behind."""

    collector: grpc.aio.Channel
    analyzer: grpc.aio.Channel
    alerter: grpc.aio.Channel
    reporter: grpc.aio.Channel


def create_app(settings: GatewaySettings, channels: Channels, readiness: Readiness) -> FastAPI:
    """The application, asking the services over the channels. Close `app.state.parts.hubs` at the end."""
    collector = Collector.over(channels.collector, settings.deadline_s)
    analyzer = Analyzer.over(channels.analyzer, settings.deadline_s)
    alerter = Alerter.over(channels.alerter, settings.deadline_s)
    reporter = Reporter.over(channels.reporter, settings.deadline_s)
    app = api(settings)
    app.router.routes.extend(ops_http.routes(readiness))
    app.state.parts = Parts(
        settings=settings,
        collector=collector,
        analyzer=analyzer,
        alerter=alerter,
        reporter=reporter,
        hubs=Hubs(Services(collector, analyzer, alerter, reporter), settings),
        logins=LoginLimit(settings.login_burst, settings.login_interval_s, monotonic),
        recordings=RecordingSlots(settings.recordings_max),
    )
    return app


@asynccontextmanager
async def gateway(settings: GatewaySettings) -> AsyncIterator[str]:
    """Serves until the block is left; yields the bound "host:port".

    It serves whether or not the services behind are there: /readyz tells. With the collector alone it is ready, too: most of it works.
    On leaving, streams end at once.
    """
    async with AsyncExitStack() as stack:
        addresses = (
            *(settings.collector_address, settings.analyzer_address),
            *(settings.alerter_address, settings.reporter_address),
        )
        collector, analyzer, alerter, reporter = [
            await stack.enter_async_context(rpc.connect(address, tls=settings.client_tls, allow_insecure=settings.insecure_connect))
            for address in addresses
        ]
        readiness = Readiness(health.COLLECTOR)
        following = (
            health.follow(collector, partial(readiness.set, health.COLLECTOR)),
            health.follow(analyzer, partial(readiness.tell, health.ANALYZER)),
            health.follow(alerter, partial(readiness.tell, health.ALERTER)),
            health.follow(reporter, partial(readiness.tell, health.REPORTER)),
        )
        await stack.enter_async_context(lifecycle.background(*following))
        app = create_app(settings, Channels(collector, analyzer, alerter, reporter), readiness)
        serve = ops_http.serve_application(
            app, settings.listen, files=settings.http_tls, allow_insecure=settings.insecure_listen, grace_s=settings.stop_grace_s
        )
        address = await stack.enter_async_context(serve)
        stack.push_async_callback(app.state.parts.hubs.close)
        stack.callback(readiness.close)
        yield address
