"""What `assay up` asks of the settings for TLS before it starts anything."""

from pathlib import Path

import pytest

from cli.work.tls import checked, shown_url
from kit.errors import AssayError
from kit.settings import TlsSettings

FILE = Path("file.pem")
SERVED = {"tls_certificate": FILE, "tls_key": FILE, "tls_ca": FILE}
SHOWN = {"tls_client_certificate": FILE, "tls_client_key": FILE}


@pytest.mark.parametrize("settings", [{}, SERVED, SHOWN, {**SERVED, **SHOWN, "tls_client_ca": FILE}])
def test_what_goes_together_is_taken(settings: dict[str, Path]) -> None:
    given = TlsSettings(**settings)  # type: ignore[arg-type]
    assert checked(given, {}) is given


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"tls_certificate": FILE, "tls_key": FILE}, "set ASSAY_TLS_CA, too"),
        ({"tls_ca": FILE}, "set ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY"),
        ({**SERVED, "tls_client_ca": FILE}, "set ASSAY_TLS_CLIENT_CERTIFICATE and ASSAY_TLS_CLIENT_KEY"),
        ({**SERVED, "tls_http_client_ca": FILE}, "set ASSAY_TLS_CLIENT_CERTIFICATE and ASSAY_TLS_CLIENT_KEY"),
        ({"database_tls_ca": FILE}, "leave ASSAY_DATABASE_TLS_CA unset, or set ASSAY_DATABASE_URL"),
        ({"nats_tls_ca": FILE}, "leave ASSAY_NATS_TLS_CA unset, or set ASSAY_NATS_URL"),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_to_set(settings: dict[str, Path], missing: str) -> None:
    with pytest.raises(AssayError, match=missing) as refused:
        checked(TlsSettings(**settings), {})  # type: ignore[arg-type]
    assert refused.value.reason == "TLS_INCOMPLETE"
    assert "\n" not in refused.value.message


def test_servers_of_ones_own_may_have_tls() -> None:
    urls = {"ASSAY_DATABASE_URL": "postgresql+asyncpg://db/d", "ASSAY_NATS_URL": "tls://bus:4222"}
    checked(TlsSettings(database_tls_ca=FILE, nats_tls_ca=FILE), urls)


def test_the_link_has_the_name_that_the_certificate_is_for() -> None:
    assert shown_url("127.0.0.1:8080", TlsSettings()) == "http://127.0.0.1:8080"
    assert shown_url("127.0.0.1:8080", TlsSettings(**SERVED)) == "https://127.0.0.1:8080"  # type: ignore[arg-type]
    assert shown_url("127.0.0.1:8080", TlsSettings(**SERVED, tls_server_name="a.example")) == "https://a.example:8080"  # type: ignore[arg-type]
