"""Settings by argument and from the environment."""

from pathlib import Path

import pytest
from assay_client.settings import Settings, read_settings

from services.collector.domain import limits

VARIABLES = {
    "ASSAY_URL": ("url", "collector.example:7001", "collector.example:7001"),
    "ASSAY_KEY": ("key", " assay_x\n", "assay_x"),
    "ASSAY_PROJECT": ("project", "team", "team"),
    "ASSAY_TLS_CA": ("tls_ca", "/ca.pem", Path("/ca.pem")),
    "ASSAY_TLS_CLIENT_CERTIFICATE": ("tls_certificate", "/c.pem", Path("/c.pem")),
    "ASSAY_TLS_CLIENT_KEY": ("tls_key", "/k.pem", Path("/k.pem")),
    "ASSAY_TLS_SERVER_NAME": ("tls_server_name", "assay", "assay"),
    "ASSAY_INSECURE_CONNECT": ("insecure_connect", "true", True),
    "ASSAY_CLIENT_BYTES_MAX": ("bytes_max", "2000000", 2_000_000),
    "ASSAY_CLIENT_BATCH_AGE_S": ("batch_age_s", "0.1", 0.1),
    "ASSAY_CLIENT_EXIT_TIMEOUT_S": ("exit_timeout_s", "5", 5.0),
    "ASSAY_CLIENT_FLUSH_ON_SIGTERM": ("flush_on_sigterm", "false", False),
    "ASSAY_CLIENT_SPILL_DIR": ("spill_dir", "/spill", Path("/spill")),
    "ASSAY_CLIENT_SPILL_BYTES_MAX": ("spill_bytes_max", "1000", 1_000),
}


def test_every_setting_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, (_, text, _) in VARIABLES.items():
        monkeypatch.setenv(variable, text)
    assert read_settings() == Settings(**{name: value for name, _, value in VARIABLES.values()})  # type: ignore[arg-type]
    assert {name for name, _, _ in VARIABLES.values()} == set(Settings.__dataclass_fields__)


def test_an_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_URL", "127.0.0.1:9")
    monkeypatch.setenv("ASSAY_KEY", "")
    settings = read_settings(url="localhost:1", key=None)
    assert (settings.url, settings.key) == ("localhost:1", "")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"url": "127.0.0.1"}, "ASSAY_URL"),
        ({"url": "grpc://127.0.0.1:7001"}, "ASSAY_URL"),
        ({"url": "10.0.0.1:7001"}, "ASSAY_TLS_CA"),
        ({"key": "a\nb"}, "ASSAY_KEY"),
        ({"tls_ca": Path("/ca"), "tls_key": Path("/k")}, "ASSAY_TLS_CLIENT_CERTIFICATE"),
        ({"tls_certificate": Path("/c"), "tls_key": Path("/k")}, "ASSAY_TLS_CA"),
        ({"bytes_max": 1_000}, "ASSAY_CLIENT_BYTES_MAX"),
        ({"exit_timeout_s": float("nan")}, "ASSAY_CLIENT_EXIT_TIMEOUT_S"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_settings(**settings)


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_CLIENT_BYTES_MAX", "lots")
    with pytest.raises(ValueError, match="ASSAY_CLIENT_BYTES_MAX is 'lots'"):
        read_settings()


@pytest.mark.parametrize("url", ["localhost:7001", "127.8.9.1:7001", "[::1]:7001"])
def test_this_machine_is_reached_without_tls(url: str) -> None:
    assert read_settings(url=url).url == url


def test_the_client_stays_below_the_collectors_limits() -> None:
    from assay_client import encode, store

    assert store.BATCH_ITEMS_MAX <= limits.BATCH_ITEMS_MAX
    assert store.BATCH_BYTES_MAX + encode.EVIDENCE_BYTES_MAX <= limits.BATCH_BYTES_MAX
    assert encode.EVIDENCE_BYTES_MAX >= limits.CONTENT_BYTES_MAX
    largest_call = 8 * limits.NAME_BYTES_MAX + 3 * limits.ID_BYTES_MAX
    largest_call += limits.LABELS_MAX * (limits.LABEL_KEY_BYTES_MAX + limits.LABEL_VALUE_BYTES_MAX + 16)
    assert largest_call + 256 < encode.CALL_BYTES_MAX
