"""Settings of the reporter."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import DatabaseUrl, NatsUrl, ProcessSettings, ServiceKey


class ReporterSettings(ProcessSettings):
    """What the reporter can be told."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_REPORTER_", frozen=True, extra="forbid")

    database_url: DatabaseUrl
    nats_url: NatsUrl
    service_key: ServiceKey
    listen: str = "127.0.0.1:7004"
    collector_address: str = "127.0.0.1:7001"
    # Empty: there is none, and reports say that what it knows is missing.
    analyzer_address: str = "127.0.0.1:7002"
    # Empty: there is none, and nothing can be delivered.
    alerter_address: str = "127.0.0.1:7003"
    # Where people reach the dashboard, such as https://assay.example.com, for links in messages. Empty: messages have none.
    public_url: str = Field(default="", validation_alias="ASSAY_PUBLIC_URL")
    stream_replica_count: int = Field(default=1, ge=1, le=5)
    # How often it is looked whether a schedule is due.
    look_every_s: float = Field(default=5.0, ge=0.05, le=60.0)
    # How long links in messages work.
    link_days: int = Field(default=14, ge=1, le=90)
    reports_kept_days: int = Field(default=800, ge=1)
