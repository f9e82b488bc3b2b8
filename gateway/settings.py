"""What the gateway can be told, by environment variables that begin with ASSAY_GATEWAY_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import ProcessSettings

DASHBOARD_DIST = Path(__file__).parent / "dashboard" / "dist"


class GatewaySettings(ProcessSettings):
    """Addresses, times and limits of one gateway process."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_GATEWAY_", frozen=True, extra="forbid")

    listen: str = "127.0.0.1:8080"
    collector_address: str = "127.0.0.1:7001"
    analyzer_address: str = "127.0.0.1:7002"
    alerter_address: str = "127.0.0.1:7003"
    reporter_address: str = "127.0.0.1:7004"
    dashboard_directory: Path = DASHBOARD_DIST

    # How long a caller waits for the collector. Only sums over months of another zone's days take seconds.
    deadline_s: float = Field(default=5.0, gt=0, le=60)
    query_deadline_s: float = Field(default=15.0, gt=0, le=60)

    # Batches that are read or parsed at once: each may hold 8 MB of JSON, ten times that when parsed.
    recordings_max: int = Field(default=8, ge=1)
    # Login attempts of one address: so many at once, and then one more in each interval.
    login_burst: int = Field(default=10, ge=1)
    login_interval_s: float = Field(default=6.0, gt=0)

    # Live streams: readers in all, questions that are watched, and how many of them one key may take.
    stream_clients_max: int = Field(default=512, ge=1)
    stream_clients_per_key_max: int = Field(default=64, ge=1)
    hubs_max: int = Field(default=64, ge=1)
    hubs_per_key_max: int = Field(default=8, ge=1)
    # What a hub remembers for readers that come back; a reader that falls further behind starts from a snapshot.
    hub_events_max: int = Field(default=256, ge=1)
    hub_bytes_max: int = Field(default=8_000_000, ge=1)
    # Windows of one watched answer, about 1 kB each.
    hub_windows_max: int = Field(default=50_000, ge=1)
    # A reload or a short loss of the network finds its hub again within this time.
    hub_idle_s: float = Field(default=60.0, ge=0)

    heartbeat_s: float = Field(default=15.0, gt=0)
    ledger_interval_s: float = Field(default=2.0, gt=0)
    # A revoked key must lose its streams within 5 s: this, and the time that the question takes.
    key_check_interval_s: float = Field(default=3.0, gt=0, le=4)
    # A reader that takes nothing for this long is let go.
    send_timeout_s: float = Field(default=20.0, gt=0)
    # Between tries to reach the collector again: doubled from the first to the second.
    reconnect_first_s: float = Field(default=0.2, gt=0)
    reconnect_max_s: float = Field(default=5.0, gt=0)
    # What is under way may end in this time; streams end at once.
    stop_grace_s: int = Field(default=1, ge=0)
