"""Routes and what they name, as the contract has them."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from assay.alerter.v1 import receiver_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict, ParseDict

from kit.errors import invalid
from services.alerter.domain.notification.configuration import Configuration
from services.alerter.domain.notification.escalation import DELAY_MAX_S, EscalationPolicy, EscalationStep
from services.alerter.domain.notification.inhibition import DEFAULT_RULES, InhibitionRule
from services.alerter.domain.notification.local_time import EVERY_WEEKDAY, MINUTES_PER_DAY, MuteInterval, MuteTime, Rota
from services.alerter.domain.notification.matcher import LABEL_NAME, MATCHERS_MAX, Matcher, parse_matcher
from services.alerter.domain.notification.route import (
    GROUP_BY_ALL,
    GROUP_BY_MAX,
    GROUP_INTERVAL_MAX_S,
    GROUP_WAIT_MAX_S,
    REPEAT_INTERVAL_MAX_S,
    Route,
)
from services.alerter.messages.alert_messages import timestamp
from services.alerter.messages.limits import seconds_of, text_of
from services.alerter.store.policies import StoredPolicy

NAME_BYTES_MAX = 64
DEFAULT_SHIFT_DAYS = 7
DEFAULT_HAND_OVER_MIN = 9 * 60
_Named = TypeVar("_Named", MuteTime, EscalationPolicy, Rota)


def definition_of(policy: contract.NotificationPolicy) -> dict[str, Any]:
    """What is kept of a policy: its JSON form without what its row holds."""
    kept = contract.NotificationPolicy()
    kept.CopyFrom(policy)
    for name in ("update_time", "updated_by", "version"):
        kept.ClearField(name)
    definition: dict[str, Any] = MessageToDict(kept, preserving_proto_field_name=True)
    return definition


def stored_policy(stored: StoredPolicy) -> contract.NotificationPolicy:
    """The policy with what its row holds."""
    policy = _parsed(stored.definition)
    if stored.version:
        policy.update_time.CopyFrom(timestamp(stored.update_time) or policy.update_time)
        policy.updated_by = stored.updated_by
        policy.version = stored.version
    return policy


def configuration_from_definition(definition: Mapping[str, Any]) -> Configuration:
    """The configuration of a kept policy; an empty one is what is usual."""
    return configuration_from_message(_parsed(definition))


def _parsed(definition: Mapping[str, Any]) -> contract.NotificationPolicy:
    return ParseDict(dict(definition), contract.NotificationPolicy(), ignore_unknown_fields=True)


def configuration_from_message(policy: contract.NotificationPolicy) -> Configuration:
    """The configuration; raises FIELD_INVALID. Whether what it names is there is checked elsewhere."""
    own = tuple(
        InhibitionRule(matchers_of(rule.source_matchers), matchers_of(rule.target_matchers), _labels(rule.equal, "equal"))
        for rule in policy.inhibition_rules
    )
    return Configuration(
        root=_route(policy.root),
        inhibition_rules=own if policy.is_without_default_inhibition else (*DEFAULT_RULES, *own),
        mute_times=_by_name("mute_times", [_mute_time(each) for each in policy.mute_times]),
        policies=_by_name("escalation_policies", [_escalation_policy(each) for each in policy.escalation_policies]),
        rotas=_by_name("rotas", [_rota(each) for each in policy.rotas]),
    )


def matchers_of(written: Any) -> tuple[Matcher, ...]:
    """Matchers as they are written. Raises FIELD_INVALID."""
    if len(written) > MATCHERS_MAX:
        raise invalid("matchers", f"there are at most {MATCHERS_MAX}")
    return tuple(parse_matcher(text_of(each, "matchers", 8_192)) for each in written)


def _route(message: contract.Route) -> Route:
    return Route(
        matchers=matchers_of(message.matchers),
        receiver=message.receiver_id,
        group_by=_labels(message.group_by.names, "group_by") if message.HasField("group_by") else None,
        group_wait_s=_optional(message, "group_wait", GROUP_WAIT_MAX_S),
        group_interval_s=_optional(message, "group_interval", GROUP_INTERVAL_MAX_S),
        repeat_interval_s=_optional(message, "repeat_interval", REPEAT_INTERVAL_MAX_S),
        repeat_factor_max=message.repeat_factor_max if message.HasField("repeat_factor_max") else None,
        mute_times=tuple(message.mute_times),
        escalation_policy=message.escalation_policy,
        continues=message.continues,
        routes=tuple(map(_route, message.routes)),
    )


def _optional(message: contract.Route, name: str, most_s: float) -> float | None:
    given: Duration = getattr(message, name)
    return seconds_of(given, name, most_s) if message.HasField(name) else None  # type: ignore[arg-type]


def _labels(names: Any, field: str) -> tuple[str, ...]:
    if len(names) > GROUP_BY_MAX:
        raise invalid(field, f"names up to {GROUP_BY_MAX} labels")
    if list(names) != [GROUP_BY_ALL] and not all(LABEL_NAME.fullmatch(name) for name in names):
        raise invalid(field, "a label's name has 1 to 128 of [A-Za-z0-9_] and does not begin with a digit")
    return tuple(names)


def _mute_time(message: contract.MuteTime) -> MuteTime:
    return MuteTime(message.name, message.time_zone or "UTC", tuple(map(_interval, message.intervals)))


def _interval(message: contract.MuteInterval) -> MuteInterval:
    weekdays = frozenset(day - 1 for day in message.weekdays) if message.weekdays else EVERY_WEEKDAY
    return MuteInterval(weekdays, message.start_min, message.end_min or MINUTES_PER_DAY)


def _escalation_policy(message: contract.EscalationPolicy) -> EscalationPolicy:
    steps = tuple(
        EscalationStep(seconds_of(step.delay, "delay", DELAY_MAX_S), tuple(step.receiver_ids), tuple(step.rotas)) for step in message.steps
    )
    return EscalationPolicy(message.name, steps, message.repeat_from, message.repeat_count)


def _rota(message: contract.Rota) -> Rota:
    try:
        start_date = date.fromisoformat(message.start_date)
    except ValueError:
        raise invalid("start_date", "must be a day like 2026-11-23") from None
    return Rota(
        name=message.name,
        time_zone=message.time_zone or "UTC",
        members=tuple(message.receiver_ids),
        start_date=start_date,
        shift_days=message.shift_days or DEFAULT_SHIFT_DAYS,
        hand_over_min=message.hand_over_min if message.HasField("hand_over_min") else DEFAULT_HAND_OVER_MIN,
    )


def _by_name(field: str, made: list[_Named]) -> dict[str, _Named]:
    for each in made:
        if not text_of(each.name, field, NAME_BYTES_MAX):
            raise invalid(field, "each needs a name")
    if len({each.name for each in made}) < len(made):
        raise invalid(field, "each needs a name of its own")
    return {each.name: each for each in made}
