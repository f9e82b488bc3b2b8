"""The settings for TLS: which go together, and what is made of them."""

from pathlib import Path

import pytest

from kit.settings import ProcessSettings, TlsSettings, load
from kit.tls import ClientFiles, ServerFiles


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for field in TlsSettings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    return monkeypatch


def given(environment: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        environment.setenv(f"ASSAY_{name}", value)


def test_without_files_there_is_no_tls(environment: pytest.MonkeyPatch) -> None:
    given(environment, TLS_CERTIFICATE="", TLS_KEY="", TLS_CA="", DATABASE_TLS_CA="")
    read = load(ProcessSettings)
    assert (read.grpc_tls, read.http_tls, read.client_tls, read.database_tls, read.nats_tls) == (None,) * 5


def test_grpc_and_http_have_one_certificate_and_ask_for_others_apart(environment: pytest.MonkeyPatch) -> None:
    given(environment, TLS_CERTIFICATE="c.pem", TLS_KEY="k.pem", TLS_CLIENT_CA="ca.pem")
    read = load(TlsSettings)
    assert read.grpc_tls == ServerFiles(Path("c.pem"), Path("k.pem"), Path("ca.pem"))
    assert read.http_tls == ServerFiles(Path("c.pem"), Path("k.pem"))
    given(environment, TLS_HTTP_CLIENT_CA="browsers.pem")
    assert load(TlsSettings).http_tls == ServerFiles(Path("c.pem"), Path("k.pem"), Path("browsers.pem"))


def test_one_certificate_is_shown_to_all_and_each_is_trusted_by_an_authority_of_its_own(environment: pytest.MonkeyPatch) -> None:
    shown = {"TLS_CLIENT_CERTIFICATE": "own.pem", "TLS_CLIENT_KEY": "own.key"}
    given(environment, TLS_CA="a.pem", TLS_SERVER_NAME="assay.example.com", DATABASE_TLS_CA="b.pem", NATS_TLS_CA="c.pem", **shown)
    read = load(TlsSettings)
    own = (Path("own.pem"), Path("own.key"))
    assert read.client_tls == ClientFiles(Path("a.pem"), *own, "assay.example.com")
    assert (read.database_tls, read.nats_tls) == (ClientFiles(Path("b.pem"), *own), ClientFiles(Path("c.pem"), *own))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"TLS_CERTIFICATE": "c"}, "ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY go together"),
        ({"TLS_KEY": "k"}, "ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY go together"),
        ({"TLS_CLIENT_KEY": "k"}, "ASSAY_TLS_CLIENT_CERTIFICATE and ASSAY_TLS_CLIENT_KEY go together"),
        ({"TLS_CLIENT_CA": "ca"}, "set ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY, too"),
        ({"TLS_HTTP_CLIENT_CA": "ca"}, "set ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY, too"),
        ({"INSECURE_CONNECT": "perhaps"}, "ASSAY_INSECURE_CONNECT: "),
    ],
)
def test_halves_end_the_process_with_one_line(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str], message: str
) -> None:
    given(environment, **settings)
    with pytest.raises(SystemExit) as end:
        load(ProcessSettings)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("wrong setting: ")
    assert message in line


def test_files_are_named_so_that_they_are_found_from_elsewhere() -> None:
    files = ClientFiles(Path("ca.pem"), Path("own.pem"), Path("own.key"), "name").absolute()
    assert all(path.is_absolute() for path in files.paths)
    assert files.server_name == "name"
    assert ClientFiles(Path("ca.pem")).absolute().certificate is None
