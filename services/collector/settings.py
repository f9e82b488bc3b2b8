"""Settings of the collector's two roles."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import DatabaseUrl, NatsUrl, ProcessSettings


class CollectorSettings(ProcessSettings):
    """What front and writer share. Retentions are in days."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_COLLECTOR_")

    database_url: DatabaseUrl
    nats_url: NatsUrl
    stream_bytes_max: int = Field(default=4 * 1024**3, ge=64 * 1024**2)
    stream_replica_count: int = Field(default=1, ge=1, le=5)
    calls_kept_days: int = Field(default=30, ge=3)
    minutes_kept_days: int = Field(default=14, ge=1)
    quarters_kept_days: int = Field(default=400, ge=32)


class FrontSettings(CollectorSettings):
    """The front door. `ops_listen` is its HTTP for health and metrics; an empty `otlp_listen` is no port for OpenTelemetry."""

    listen: str = "127.0.0.1:7001"
    otlp_listen: str = "127.0.0.1:4317"
    # Attributes of spans or resources that tell a call's task, beside `assay.task_type`, `assay.task_id` and `assay.revision_count`.
    otlp_task_type_attributes: tuple[str, ...] = ()
    otlp_task_id_attributes: tuple[str, ...] = ()
    otlp_revision_count_attributes: tuple[str, ...] = ()
    otlp_trace_is_task: bool = True
    # Fernet keys, separated by commas, or the file where one is kept and made at the first start: links for feedback are signed by them.
    secrets_key: SecretStr | None = Field(default=None, validation_alias="ASSAY_SECRETS_KEY")
    secrets_key_file: Path | None = Field(default=None, validation_alias="ASSAY_SECRETS_KEY_FILE")
    # Where people reach the gateway, such as https://assay.example.com, for such links. Empty: they are told without it.
    public_url: str = Field(default="", validation_alias="ASSAY_PUBLIC_URL")
    bootstrap_key: SecretStr | None = None
    service_key: SecretStr | None = Field(default=None, validation_alias="ASSAY_SERVICE_KEY")


class WriterSettings(CollectorSettings):
    """The writer. `history_hours` is how long stored messages stay in the ingest stream."""

    writer_listen: str = "127.0.0.1:7011"
    # Its own name, since front and writer of one machine mostly share their environment.
    ops_listen: str = Field(default="127.0.0.1:0", validation_alias="ASSAY_COLLECTOR_WRITER_OPS_LISTEN")
    history_hours: float = Field(default=24.0, ge=0)
    # A file of targets that numbers are sent to, as docs/prometheus.md has it. All writers are to be given the same.
    exports_file: Path | None = None

    @property
    def history(self) -> timedelta:
        """How long stored messages stay in the ingest stream."""
        return timedelta(hours=self.history_hours)
