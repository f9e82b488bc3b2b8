"""Settings of the analyzer."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import DatabaseUrl, NatsUrl, ProcessSettings, ServiceKey


class AnalyzerSettings(ProcessSettings):
    """What an analyzer is told, by variables that begin with ASSAY_ANALYZER_."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_ANALYZER_")

    database_url: DatabaseUrl
    nats_url: NatsUrl
    service_key: ServiceKey
    listen: str = "127.0.0.1:7002"
    collector_address: str = "127.0.0.1:7001"
    stream_replica_count: int = Field(default=1, ge=1, le=5)
    # How far back a project is looked at when it is met for the first time.
    history_days: int = Field(default=30, ge=0, le=400)
    baselines_kept_days: int = Field(default=100, ge=1)
    anomalies_kept_days: int = Field(default=400, ge=1)
