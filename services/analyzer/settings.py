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
    # What projects that are asked about are ranked by is read again so often, and at once when an anomaly changes.
    ranking_refresh_s: float = Field(default=30.0, gt=0.0, le=600.0)
    # A call of so long ago counts half as much as one of now: models and prices change within weeks, and a week has all its hours in it.
    ranking_half_life_days: float = Field(default=7.0, ge=0.1, le=365.0)
    # Processes that read code and reports, started when first needed: each takes a processor while it reads, and some 100 MB.
    reader_process_count: int = Field(default=2, ge=1, le=64)
    # What was read of evidence, and scores; the collector goes on counting them as long as it keeps roll-ups.
    scores_kept_days: int = Field(default=100, ge=1)
    baselines_kept_days: int = Field(default=100, ge=1)
    anomalies_kept_days: int = Field(default=400, ge=1)
    # What was recommended: a row whenever another choice was.
    rankings_kept_days: int = Field(default=400, ge=1)
