"""What the gateway tells of targets, for the OpenAPI document."""

from typing import Literal

from pydantic import BaseModel, Field

ExportTargetKindName = Literal["COUNTERS", "WINDOWS"]


class ExportTarget(BaseModel):
    """Where numbers are sent to, and how far it is."""

    target: str
    kind: ExportTargetKindName = Field(description="Counters by Prometheus' remote write, or minutes by InfluxDB's line protocol.")
    address: str
    is_sending: bool = Field(description="Whether a writer is at it now.")
    send_time: str | None = Field(description="When it last took something.")
    sent_count: int = Field(description="Requests of counters, or lines of minutes, that it took.")
    refused_count: int
    waiting_count: int = Field(description="Snapshots of counters that wait to be sent.")
    trouble: str = Field(description="What went wrong last, empty while all goes well.")


class ExportTargets(BaseModel):
    """All targets of the installation, by name."""

    targets: list[ExportTarget]
