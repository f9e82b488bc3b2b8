"""Inhibition: an alert that says it all mutes those that are parts of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.alerter.domain.alert import Alert
from services.alerter.domain.notification.matcher import Matcher, MatchOperator, all_match

RULES_MAX = 100
EQUAL_MAX = 16


@dataclass(frozen=True, slots=True)
class InhibitionRule:
    """While an alert that matches the source is open, alerts that match the target and have the same values of `equal` are not told of.

    A source never mutes what is more severe than itself, nor itself, nor what matches both sides as it does.
    """

    source_matchers: tuple[Matcher, ...]
    target_matchers: tuple[Matcher, ...]
    equal: tuple[str, ...]


def _without(*names: str) -> tuple[Matcher, ...]:
    return tuple(Matcher(name, MatchOperator.EQUAL, "") for name in names)


def _with(*names: str) -> tuple[Matcher, ...]:
    return tuple(Matcher(name, MatchOperator.NOT_EQUAL, "") for name in names)


# What is wrong with a whole provider is told once, and not for each of its models and kinds of task as well.
DEFAULT_RULES = (
    InhibitionRule(_with("provider") + _without("model", "task_type"), _with("model"), ("provider", "metric")),
    InhibitionRule(_with("provider") + _without("model", "task_type"), _with("task_type"), ("provider", "metric")),
)


def inhibited(rules: Iterable[InhibitionRule], alerts: Sequence[Alert]) -> dict[str, str]:
    """The ids of muted alerts, and of one that mutes each."""
    muted: dict[str, str] = {}
    open_alerts = [alert for alert in alerts if alert.state.is_open]
    for rule in rules:
        sources = _strongest_sources(rule, open_alerts)
        if not sources:
            continue
        for alert in open_alerts:
            source = sources.get(_values(rule, alert.labels))
            if source is not None and alert.alert_id not in muted and _mutes(rule, source, alert):
                muted[alert.alert_id] = source.alert_id
    return muted


def _strongest_sources(rule: InhibitionRule, alerts: Iterable[Alert]) -> dict[tuple[str, ...], Alert]:
    """The most severe source for each combination of values; what matches both sides is none, so that no two mute each other."""
    found: dict[tuple[str, ...], list[Alert]] = defaultdict(list)
    for alert in alerts:
        if all_match(rule.source_matchers, alert.labels) and not all_match(rule.target_matchers, alert.labels):
            found[_values(rule, alert.labels)].append(alert)
    return {values: max(sources, key=lambda alert: (alert.severity.value, alert.alert_id)) for values, sources in found.items()}


def _mutes(rule: InhibitionRule, source: Alert, alert: Alert) -> bool:
    return source.severity.value >= alert.severity.value and all_match(rule.target_matchers, alert.labels)


def _values(rule: InhibitionRule, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
