"""Routes, inhibition and the checks of a configuration."""

from dataclasses import replace

import pytest

from kit.errors import AssayError
from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.notification import route as routes
from services.alerter.domain.notification.configuration import NAMED_MAX, Configuration, check_configuration
from services.alerter.domain.notification.escalation import EscalationPolicy, EscalationStep
from services.alerter.domain.notification.inhibition import DEFAULT_RULES, InhibitionRule, inhibited
from services.alerter.domain.notification.local_time import MuteInterval, MuteTime, Rota
from services.alerter.domain.notification.matcher import Matcher, parse_matcher
from services.alerter.domain.notification.route import Route, RouteTree
from tests.alerter.notify.alerts import NOW, alert


def on(*matchers: str, **fields: object) -> Route:
    return Route(matchers=tuple(map(parse_matcher, matchers)), **fields)  # type: ignore[arg-type]


TREE = RouteTree(
    Route(
        group_by=("alertname",),
        routes=(
            on("severity=CRITICAL", receiver="pager", group_wait_s=0.0, continues=True),
            on("provider=openai", receiver="team", routes=(on("model=~gpt.*", repeat_interval_s=60.0, mute_times=("night",)),)),
            on("provider=openai", receiver="never"),
        ),
    )
)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["default"]),
        ({"provider": "openai"}, ["team"]),
        ({"provider": "other", "severity": "CRITICAL"}, ["pager"]),
        ({"provider": "openai", "severity": "CRITICAL"}, ["pager", "team"]),
    ],
)
def test_an_alert_goes_to_the_first_child_that_takes_it_and_on_where_that_says_so(labels: dict[str, str], receivers: list[str]) -> None:
    assert [destination.receiver for destination in TREE.destinations(labels)] == receivers


def test_what_a_route_does_not_say_is_as_its_parent_has_it() -> None:
    (found,) = TREE.destinations({"provider": "openai", "model": "gpt-5"})
    assert (found.receiver, found.group_by, found.repeat_interval_s, found.mute_times) == ("team", ("alertname",), 60.0, ("night",))
    assert (found.group_wait_s, found.group_interval_s) == (routes.DEFAULT_GROUP_WAIT_S, routes.DEFAULT_GROUP_INTERVAL_S)


def test_a_routes_id_stays_while_its_matchers_do_and_differs_from_all_others() -> None:
    ids = list(TREE.by_id)
    assert len(ids) == 5
    changed = RouteTree(Route(receiver="x", routes=(on("a=b"), *(replace(child, receiver="y") for child in TREE._root.route.routes))))
    assert set(ids) <= set(changed.by_id)


def test_alerts_are_grouped_by_labels_or_each_by_itself() -> None:
    labels = {"alertname": "slow", "provider": "openai"}
    by_one = RouteTree(Route(group_by=("provider", "zone"))).destinations(labels)[0]
    by_all = RouteTree(Route(group_by=("...",))).destinations(labels)[0]
    assert by_one.group_labels(labels) == (("provider", "openai"), ("zone", ""))
    assert by_all.group_labels(labels) == (("alertname", "slow"), ("provider", "openai"))


def deep(depth: int) -> Route:
    return Route(routes=(deep(depth - 1),)) if depth else Route()


STEP = EscalationStep(0.0, ("default",))
POLICY = EscalationPolicy("p", (STEP,))
ROTA = Rota("r", "UTC", ("default",), NOW.date())
NIGHT = MuteTime("night", "UTC", (MuteInterval(),))
RULE = DEFAULT_RULES[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"root": on("a=b")}, "root.matchers"),
        ({"root": Route(routes=(Route(),) * 500)}, "root.routes"),
        ({"root": deep(10)}, "root.routes"),
        ({"root": Route(routes=(Route(matchers=(parse_matcher("a=b"),) * 33),))}, "matchers"),
        ({"root": Route(group_by=("a", "a"))}, "group_by"),
        ({"root": Route(group_by=tuple(f"l{n}" for n in range(17)))}, "group_by"),
        ({"root": Route(group_wait_s=-1.0)}, "group_wait"),
        ({"root": Route(group_interval_s=59.0)}, "group_interval"),
        ({"root": Route(repeat_interval_s=1e9)}, "repeat_interval"),
        ({"root": Route(repeat_factor_max=0.5)}, "repeat_factor_max"),
        ({"root": Route(mute_times=("day",))}, "mute_times"),
        ({"root": Route(escalation_policy="x")}, "escalation_policy"),
        ({"root": Route(receiver="nobody")}, "receiver"),
        ({"policies": {"p": EscalationPolicy("p", (EscalationStep(0.0, ("nobody",)),))}}, "receiver"),
        ({"policies": {"p": EscalationPolicy("p", (EscalationStep(0.0, (), ("r2",)),))}}, "rotas"),
        ({"rotas": {"r": replace(ROTA, members=("nobody",))}}, "receiver"),
        ({"policies": {str(n): POLICY for n in range(NAMED_MAX + 1)}}, "policies"),
        ({"inhibition_rules": (RULE,) * 101}, "inhibition_rules"),
        ({"inhibition_rules": (InhibitionRule((), RULE.target_matchers, ()),)}, "inhibition_rules"),
        ({"inhibition_rules": (InhibitionRule(RULE.source_matchers * 20, RULE.target_matchers, ()),)}, "inhibition_rules"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(change: dict[str, object], field: str) -> None:
    root = Route(receiver="default", mute_times=("night",), escalation_policy="p", routes=(on("a=b", repeat_interval_s=60.0),))
    good = Configuration(root, mute_times={"night": NIGHT}, policies={"p": POLICY}, rotas={"r": ROTA})
    check_configuration(good, ["default"])
    with pytest.raises(AssayError) as refused:
        check_configuration(replace(good, **change), ["default"])  # type: ignore[arg-type]
    assert refused.value.details == {"field": field}


@pytest.mark.parametrize(
    "make",
    [
        lambda: EscalationPolicy("p", ()),
        lambda: EscalationPolicy("p", (EscalationStep(-1.0, ("a",)),)),
        lambda: EscalationPolicy("p", (EscalationStep(0.0),)),
        lambda: EscalationPolicy("p", (STEP,), repeat_from=1),
        lambda: EscalationPolicy("p", (STEP,), repeat_count=101),
    ],
)
def test_a_policy_that_cannot_be_is_refused(make: object) -> None:
    with pytest.raises(AssayError):
        make()  # type: ignore[operator]


WIDE = alert("down", severity=Severity.CRITICAL, metric="success_ratio")
PART = alert("down", metric="success_ratio", model="gpt-5")


@pytest.mark.parametrize(
    ("alerts", "muted"),
    [
        ([WIDE, PART], {PART.alert_id: WIDE.alert_id}),
        ([WIDE, alert("down", metric="success_ratio", task_type="chat")], {"down-success_ratio-chat": WIDE.alert_id}),
        ([WIDE, alert("down", metric="latency", model="gpt-5")], {}),
        ([WIDE, alert("down", provider="other", metric="success_ratio", model="m")], {}),
        ([replace(WIDE, severity=Severity.INFO), PART], {}),
        ([replace(WIDE, state=AlertState.RESOLVED), PART], {}),
        ([replace(WIDE, state=AlertState.ACKNOWLEDGED), PART], {PART.alert_id: WIDE.alert_id}),
        ([WIDE, replace(PART, state=AlertState.RESOLVED)], {}),
        ([PART], {}),
    ],
)
def test_a_provider_wide_alert_mutes_its_open_parts_of_the_same_metric(alerts: list[object], muted: dict[str, str]) -> None:
    assert inhibited(DEFAULT_RULES, alerts) == muted  # type: ignore[arg-type]


def test_alerts_that_match_both_sides_do_not_mute_each_other() -> None:
    any_slow: tuple[Matcher, ...] = (parse_matcher("alertname=slow"),)
    assert inhibited([InhibitionRule(any_slow, any_slow, ())], [alert(model="a"), alert(model="b")]) == {}
