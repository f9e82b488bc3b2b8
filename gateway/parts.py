"""What the routes work with, handed to them by FastAPI's dependencies."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from gateway.alerter import Alerter
from gateway.analyzer import Analyzer
from gateway.collector import Collector
from gateway.hubs import Hubs
from gateway.login_limit import LoginLimit
from gateway.recording_slots import RecordingSlots
from gateway.reporter import Reporter
from gateway.settings import GatewaySettings


@dataclass(frozen=True)
class Parts:
    """The parts of one application; they live as long as it does."""

    settings: GatewaySettings
    collector: Collector
    analyzer: Analyzer
    alerter: Alerter
    reporter: Reporter
    hubs: Hubs
    logins: LoginLimit
    recordings: RecordingSlots


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def _collector(request: Request) -> Collector:
    return _parts(request).collector


def _analyzer(request: Request) -> Analyzer:
    return _parts(request).analyzer


def _alerter(request: Request) -> Alerter:
    return _parts(request).alerter


def _reporter(request: Request) -> Reporter:
    return _parts(request).reporter


PartsOf = Annotated[Parts, Depends(_parts)]
CollectorOf = Annotated[Collector, Depends(_collector)]
AnalyzerOf = Annotated[Analyzer, Depends(_analyzer)]
AlerterOf = Annotated[Alerter, Depends(_alerter)]
ReporterOf = Annotated[Reporter, Depends(_reporter)]


def answer(content: Any, status: int = 200) -> Response:
    """An object as JSON."""
    return answer_text(json.dumps(content, separators=(",", ":"), allow_nan=False), status)


def answer_text(text: str, status: int = 200) -> Response:
    """JSON that is text already. No cache keeps it: it is somebody's data, of this moment."""
    return Response(text.encode(), status, {"cache-control": "no-store"}, "application/json")
