"""Settings of the alerter."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import DatabaseUrl, NatsUrl, ServiceKey
from services.alerter.notification_settings import NotificationSettings


class AlerterSettings(NotificationSettings):
    """What the alerter can be told. `evaluate_every_s` is how often each project's rules are looked at."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_ALERTER_")

    database_url: DatabaseUrl
    nats_url: NatsUrl
    service_key: ServiceKey
    listen: str = "127.0.0.1:7003"
    collector_address: str = "127.0.0.1:7001"
    # Empty: there is none, and rules about anomalies find nothing.
    analyzer_address: str = "127.0.0.1:7002"
    # Other processes by name, such as {"writer": "127.0.0.1:7011"}, whose being down is told, too.
    watched_addresses: dict[str, str] = Field(default_factory=dict)
    stream_replica_count: int = Field(default=1, ge=1, le=5)
    evaluate_every_s: float = Field(default=10.0, ge=1.0, le=300.0)
    alerts_kept_days: int = Field(default=400, ge=1)
