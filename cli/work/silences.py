"""Silences: made, listed and ended."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from assay.alerter.v1 import silence_service_pb2 as contract
from assay.alerter.v1.silence_service_pb2_grpc import SilenceServiceStub

from cli.work.alerts import user_name
from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table

PAGE_SIZE = 1_000  # the contract's largest


def create_silence(target: Target, project: str, matchers: Sequence[str], length: timedelta, comment: str, *, json: bool) -> None:
    """Makes a silence from now, in the name of this machine's user."""
    silence = contract.Silence(silence_id=uuid4().hex, matchers=matchers, author=user_name() or "unknown", comment=comment)
    silence.end_time.FromDatetime(datetime.now(UTC) + length)
    request = contract.CreateSilenceRequest(project=project, silence=silence)
    _changed(ask(target, lambda channel: SilenceServiceStub(channel).CreateSilence(request, timeout=ASK_TIMEOUT_S)).silence, json=json)


def show_silences(target: Target, project: str, *, includes_expired: bool, json: bool) -> None:
    """Prints a page of silences by id."""
    request = contract.ListSilencesRequest(project=project, includes_expired=includes_expired, page_size=PAGE_SIZE)
    silences = ask(target, lambda channel: SilenceServiceStub(channel).ListSilences(request, timeout=ASK_TIMEOUT_S)).silences
    found = [as_json(silence) for silence in silences]
    if json:
        print_json({"silences": found})
        return
    rows = [
        (one["state"].lower(), one["end_time"], ", ".join(one["matchers"]), one["author"], one["comment"], one["silence_id"])
        for one in found
    ]
    print_table(("state", "until", "what", "who", "why", "id"), rows, empty="There are no silences.")


def expire_silence(target: Target, project: str, silence_id: str, *, json: bool) -> None:
    """Ends a silence now."""
    request = contract.UpdateSilenceRequest(project=project, silence_id=silence_id)
    request.end_time.FromDatetime(datetime.now(UTC))
    _changed(ask(target, lambda channel: SilenceServiceStub(channel).UpdateSilence(request, timeout=ASK_TIMEOUT_S)).silence, json=json)


def _changed(silence: contract.Silence, *, json: bool) -> None:
    shown = as_json(silence)
    if json:
        print_json(shown)
    elif silence.state == contract.SILENCE_STATE_EXPIRED:
        print(f"{silence.silence_id} is over.")
    else:
        print(f"{silence.silence_id} silences {', '.join(silence.matchers)} until {shown['end_time']}.")
