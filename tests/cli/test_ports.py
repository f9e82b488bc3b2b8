"""Choosing where the processes listen."""

import socket
from collections.abc import Iterator
from dataclasses import fields

import pytest

from cli.work import ports
from kit.errors import AssayError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def environment(**changes: str) -> dict[str, str]:
    """Settings that have every port picked."""
    names = ("GATEWAY_LISTEN", "COLLECTOR_LISTEN", "COLLECTOR_OTLP_LISTEN", "COLLECTOR_WRITER_LISTEN", "ANALYZER_LISTEN", "ALERTER_LISTEN")
    return {f"ASSAY_{name}": "127.0.0.1:0" for name in names} | changes


def test_port_0_has_all_ports_picked_whatever_the_settings_say(taken: int) -> None:
    addresses = ports.choose(environment(ASSAY_COLLECTOR_LISTEN=f"127.0.0.1:{taken}"), 0)
    assert len(addresses.ports) == len(fields(addresses))
    assert addresses.ports <= set(ports.PICK_FROM)


def test_spans_need_not_be_taken() -> None:
    addresses = ports.choose(environment(ASSAY_COLLECTOR_OTLP_LISTEN=""), 0)
    assert addresses.otlp == ""
    assert len(addresses.ports) == len(fields(addresses)) - 1


def test_what_is_taken_for_others_is_not_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    free = ports.pick("127.0.0.1")
    monkeypatch.setattr(ports, "PICK_TRIES_MAX", len(ports.PICK_FROM))
    assert ports.pick("127.0.0.1", set(ports.PICK_FROM) - {free}) == free


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("ASSAY_GATEWAY_LISTEN", "--port"),
        ("ASSAY_COLLECTOR_LISTEN", "ASSAY_COLLECTOR_LISTEN"),
        ("ASSAY_COLLECTOR_WRITER_LISTEN", "ASSAY_COLLECTOR_WRITER_LISTEN"),
        ("ASSAY_ANALYZER_LISTEN", "ASSAY_ANALYZER_LISTEN"),
        ("ASSAY_ALERTER_LISTEN", "ASSAY_ALERTER_LISTEN"),
        ("ASSAY_REPORTER_LISTEN", "ASSAY_REPORTER_LISTEN"),
        ("ASSAY_COLLECTOR_OTLP_LISTEN", "ASSAY_COLLECTOR_OTLP_LISTEN"),
    ],
)
def test_a_taken_port_is_told_with_what_changes_it(taken: int, setting: str, remedy: str) -> None:
    with pytest.raises(AssayError) as caught:
        ports.choose(environment(**{setting: f"127.0.0.1:{taken}"}), None)
    assert caught.value.reason == "ADDRESS_UNAVAILABLE"
    assert f"port {taken} " in caught.value.message
    assert remedy in caught.value.message
    assert "\n" not in caught.value.message


def test_the_option_names_the_gateways_port_alone(taken: int) -> None:
    free = ports.pick("127.0.0.1")
    assert ports.choose(environment(ASSAY_GATEWAY_LISTEN=f"127.0.0.1:{taken}"), free).gateway == f"127.0.0.1:{free}"


def test_other_machines_reach_it_only_if_a_setting_says_so() -> None:
    open_to_all = environment(ASSAY_GATEWAY_LISTEN="0.0.0.0:0")
    with pytest.raises(AssayError) as caught:
        ports.choose(open_to_all, None)
    assert caught.value.reason == "LISTEN_INSECURE"
    addresses = ports.choose(open_to_all, None, allow_all=True)
    assert addresses.gateway.startswith("0.0.0.0:")


@pytest.mark.parametrize(
    ("address", "reached_at"), [("127.0.0.1:1", "127.0.0.1:1"), ("0.0.0.0:2", "127.0.0.1:2"), ("[::]:3", "[::1]:3"), ("[::1]:4", "[::1]:4")]
)
def test_what_listens_everywhere_is_reached_on_the_loopback_interface(address: str, reached_at: str) -> None:
    assert ports.reachable(address) == reached_at


def test_no_free_port_is_told(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(ports, "PICK_FROM", range(taken, taken + 1))
    monkeypatch.setattr(ports, "PICK_TRIES_MAX", 1)
    with pytest.raises(AssayError, match="no free port"):
        ports.pick("127.0.0.1")
