"""How settings are read, and what a wrong one looks like."""

import pytest
from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from kit.settings import DatabaseUrl, ProcessSettings, load


class Settings(ProcessSettings):
    """As a process has them."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_SOMETHING_")
    listen: str = "127.0.0.1:7001"
    batch_rows_max: int = Field(default=5_000, ge=1)
    database_url: DatabaseUrl


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("ASSAY_LOG_LEVEL", "ASSAY_LOG_FORMAT", "ASSAY_INSECURE_LISTEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql://assay:hidden1@127.0.0.1/assay")
    return monkeypatch


def test_defaults_suit_a_machine_of_ones_own() -> None:
    read = load(Settings)
    assert (read.listen, read.batch_rows_max, read.log_level, read.log_format) == (
        "127.0.0.1:7001",
        5_000,
        "INFO",
        "text",
    )
    assert (read.ops_listen, read.insecure_listen) == ("127.0.0.1:0", False)


def test_the_environment_is_read_with_the_process_prefix_or_the_common_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ASSAY_SOMETHING_BATCH_ROWS_MAX", "7")
    environment.setenv("ASSAY_SOMETHING_OPS_LISTEN", "127.0.0.1:9001")
    environment.setenv("ASSAY_LOG_LEVEL", "TRACE")
    environment.setenv("ASSAY_INSECURE_LISTEN", "true")
    read = load(Settings)
    assert (read.batch_rows_max, read.ops_listen, read.log_level, read.insecure_listen) == (
        7,
        "127.0.0.1:9001",
        "TRACE",
        True,
    )


def test_names_that_kubernetes_puts_there_are_left_alone(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ASSAY_SOMETHING_PORT", "tcp://10.0.0.1:7001")
    environment.setenv("ASSAY_SOMETHING_SERVICE_HOST", "10.0.0.1")
    load(Settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ASSAY_SOMETHING_BATCH_ROWS_MAX", "many"),
        ("ASSAY_SOMETHING_BATCH_ROWS_MAX", "0"),
        ("ASSAY_LOG_LEVEL", "LOUD"),
        ("ASSAY_INSECURE_LISTEN", "perhaps"),
        ("ASSAY_DATABASE_URL", None),
    ],
)
def test_a_wrong_setting_ends_the_process_with_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str | None
) -> None:
    if value is None:
        environment.delenv(name)
    else:
        environment.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        load(Settings)
    assert caught.value.code == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith(f"wrong setting: {name}: ")


def test_several_wrong_settings_are_named_together(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("ASSAY_LOG_LEVEL", "LOUD")
    environment.setenv("ASSAY_SOMETHING_BATCH_ROWS_MAX", "0")
    with pytest.raises(SystemExit):
        load(Settings)
    message = capsys.readouterr().err
    assert "ASSAY_LOG_LEVEL" in message
    assert "ASSAY_SOMETHING_BATCH_ROWS_MAX" in message


def test_credentials_are_not_shown() -> None:
    read = load(Settings)
    assert "hidden1" not in repr(read)
    assert read.database_url.get_secret_value().endswith("hidden1@127.0.0.1/assay")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load(Settings).listen = "127.0.0.1:1"  # type: ignore[misc]


def test_a_test_may_give_settings_by_name_and_is_told_of_a_wrong_one() -> None:
    assert Settings(database_url="x", log_level="DEBUG").log_level == "DEBUG"
    with pytest.raises(ValidationError):
        Settings(database_url="x", no_such_setting=1)  # type: ignore[call-arg]
