"""All that a project says about who is told what and when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kit.errors import invalid
from services.alerter.domain.notification.escalation import EscalationPolicy
from services.alerter.domain.notification.inhibition import DEFAULT_RULES, EQUAL_MAX, RULES_MAX, InhibitionRule
from services.alerter.domain.notification.local_time import MuteTime, Rota
from services.alerter.domain.notification.matcher import MATCHERS_MAX
from services.alerter.domain.notification.route import Route, check_route, every_route

NAMED_MAX = 200  # mute times, policies and rotas, each


@dataclass(frozen=True, slots=True)
class Configuration:
    """Routes, and what they name. As it is by default: by alertname and provider, to the receiver `default`."""

    root: Route = field(default_factory=Route)
    inhibition_rules: tuple[InhibitionRule, ...] = DEFAULT_RULES
    mute_times: Mapping[str, MuteTime] = field(default_factory=dict)
    policies: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    rotas: Mapping[str, Rota] = field(default_factory=dict)

    def receivers_named(self) -> set[str]:
        """Every receiver that a route, a policy or a rota names."""
        named = {route.receiver for route in every_route(self.root)}
        for policy in self.policies.values():
            named.update(*(step.receivers for step in policy.steps))
        for rota in self.rotas.values():
            named.update(rota.members)
        return named - {""}


def check_configuration(configuration: Configuration, receivers: Iterable[str]) -> None:
    """Raises FIELD_INVALID for one that names what is not there, or is too large."""
    check_route(configuration.root)
    for name, kept in (("mute_times", configuration.mute_times), ("policies", configuration.policies), ("rotas", configuration.rotas)):
        if len(kept) > NAMED_MAX:
            raise invalid(name, f"there are at most {NAMED_MAX}")
    for route in every_route(configuration.root):
        _known("mute_times", route.mute_times, configuration.mute_times)
        _known("escalation_policy", filter(None, (route.escalation_policy,)), configuration.policies)
    for policy in configuration.policies.values():
        for step in policy.steps:
            _known("rotas", step.rotas, configuration.rotas)
    _known("receiver", sorted(configuration.receivers_named()), set(receivers))
    _check_rules(configuration.inhibition_rules)


def _check_rules(rules: tuple[InhibitionRule, ...]) -> None:
    if len(rules) > RULES_MAX:
        raise invalid("inhibition_rules", f"there are at most {RULES_MAX}")
    for rule in rules:
        if not rule.source_matchers or not rule.target_matchers or len(rule.equal) > EQUAL_MAX:
            raise invalid("inhibition_rules", f"a rule has matchers of both sides, and at most {EQUAL_MAX} labels that are equal")
        if max(len(rule.source_matchers), len(rule.target_matchers)) > MATCHERS_MAX:
            raise invalid("inhibition_rules", f"a rule has at most {MATCHERS_MAX} matchers of each side")


def _known(field_name: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise invalid(field_name, f"there is no {name[:64]!r}")
