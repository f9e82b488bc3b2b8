"""What the notification policy looks like; see gateway/models.py."""

# ruff: noqa: RUF012 - pydantic copies defaults; that these are its models is not seen across modules

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.alerter_models import Part, Text
from gateway.models import Moment
from gateway.notification_models import Id, Matchers, Number

# The contract's: deeper ones would be refused there, and are not even converted.
ROUTE_DEPTH_MAX = 10
Seconds = Annotated[float, Field(ge=0, le=400 * 86_400)]


class Route(Part):
    """Where alerts go. What is null, or an empty name, is as the parent has it."""

    matchers: Matchers = []
    receiver_id: Id = ""
    group_by: list[str] | None = None
    group_wait_s: Seconds | None = None
    group_interval_s: Seconds | None = None
    repeat_interval_s: Seconds | None = None
    repeat_factor_max: float | None = None
    mute_times: list[str] = []
    escalation_policy: Text = ""
    continues: bool = False
    routes: list["Route"] = []

    def depth(self) -> int:
        """How many routes there are from here down, one below the other."""
        return 1 + max((route.depth() for route in self.routes), default=0)


class InhibitionRule(Part):
    """What mutes what while it is open, if they have the same values of some labels."""

    source_matchers: Matchers
    target_matchers: Matchers
    equal: list[str] = []


class MuteInterval(Part):
    """From a minute of the day to another, on some weekdays, 1 being Monday; none is all."""

    weekdays: list[Number] = []
    start_min: Number = 0
    end_min: Number = 0


class MuteTime(Part):
    """Times when nothing new is told."""

    name: Text
    time_zone: Text = ""
    intervals: list[MuteInterval]


class EscalationStep(Part):
    """Who is told so long after the step before."""

    delay_s: Seconds | None = None
    receiver_ids: list[str] = []
    rotas: list[str] = []


class EscalationPolicy(Part):
    """Who is told one after the other until somebody acknowledges."""

    name: Text
    steps: list[EscalationStep]
    repeat_from: Number = 0
    repeat_count: Number = 0


class Rota(Part):
    """Who is on call when."""

    name: Text
    time_zone: Text = ""
    receiver_ids: list[str]
    start_date: Annotated[str, Field(max_length=10)]
    shift_days: Number = 0
    hand_over_min: Number | None = None


class NotificationPolicyBody(Part):
    """Whom to tell, when, and together with what."""

    root: Route = Route()
    inhibition_rules: list[InhibitionRule] = []
    is_without_default_inhibition: bool = False
    mute_times: list[MuteTime] = []
    escalation_policies: list[EscalationPolicy] = []
    rotas: list[Rota] = []

    @model_validator(mode="after")
    def _not_too_deep(self) -> Self:
        if self.root.depth() > ROUTE_DEPTH_MAX:
            raise ValueError(f"routes are at most {ROUTE_DEPTH_MAX} deep")
        return self


class NotificationPolicy(NotificationPolicyBody):
    """The policy as it is kept; version 0 is as at first."""

    update_time: Moment | None
    updated_by: str
    version: int
