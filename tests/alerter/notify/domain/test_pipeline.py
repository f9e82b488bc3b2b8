"""From alerts to messages: what is told when, over time."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.notification.configuration import Configuration
from services.alerter.domain.notification.escalation import EscalationPolicy, EscalationStep
from services.alerter.domain.notification.group import MessageKind
from services.alerter.domain.notification.local_time import MuteInterval, MuteTime, Rota
from services.alerter.domain.notification.matcher import parse_matcher
from services.alerter.domain.notification.route import Route
from services.alerter.domain.notification.silence import Silence
from services.alerter.domain.notification.stages.telling import Audience
from tests.alerter.notify.alerts import NOW, World, alert, told

ACKNOWLEDGED, RESOLVED, FIRING = AlertState.ACKNOWLEDGED, AlertState.RESOLVED, AlertState.FIRING
HOUR_S = 3_600.0


def route(*matchers: str, **fields: object) -> Route:
    return Route(matchers=tuple(map(parse_matcher, matchers)), **fields)  # type: ignore[arg-type]


def test_the_first_message_waits_for_others_and_the_next_for_the_interval() -> None:
    world = World()
    world.set(alert(model="a"))
    assert world.look() == []
    assert world.outcome is not None and world.outcome.look_time == NOW + timedelta(seconds=2)
    world.set(alert(model="b"))
    (first,) = world.after(2)
    assert first.kind is MessageKind.FIRST and first.firing == first.new == ("slow-a", "slow-b")
    world.set(alert(model="c"))
    assert world.after(299) == []
    (changed,) = world.after(1)
    assert (changed.kind, changed.new, changed.firing) == (MessageKind.CHANGED, ("slow-c",), ("slow-a", "slow-b", "slow-c"))
    assert (changed.group_id, changed.number) == (first.group_id, 2)


def test_an_end_is_told_to_all_who_know_and_closes_the_group() -> None:
    world = World()
    world.set(alert(model="a"), alert(model="b"))
    world.look(), world.after(2)
    world.set(alert(state=RESOLVED, model="a"))
    (changed,) = world.after(300)
    assert (changed.kind, changed.ended, changed.firing) == (MessageKind.CHANGED, ("slow-a",), ("slow-b",))
    del world.alerts["slow-b"]  # one that is not there any more is over
    (resolved,) = world.after(300)
    assert (resolved.kind, resolved.ended) == (MessageKind.RESOLVED, ("slow-b",))
    assert world.groups == {}
    world.set(alert(model="a"))
    world.look()
    (again,) = world.after(2)
    assert again.kind is MessageKind.FIRST and again.group_id != changed.group_id


def test_what_is_over_before_it_was_told_is_not_told() -> None:
    world = World()
    world.set(alert())
    world.look()
    world.set(alert(state=RESOLVED))
    assert world.after(2) == [] and world.groups == {}
    world.set(alert(model="a"), alert(model="b"))
    world.look()
    world.set(alert(state=RESOLVED, model="a"))
    (first,) = world.after(2)
    assert (first.firing, first.ended) == (("slow-b",), ())


def test_repeats_come_at_growing_intervals_up_to_the_routes_greatest() -> None:
    world = World(Configuration(Route(repeat_interval_s=HOUR_S, repeat_factor_max=4.0)))
    world.set(alert(model="a"))
    world.look(), world.after(2)
    hours = [second / HOUR_S for second, message in world.until(20 * HOUR_S, HOUR_S / 4) if message.kind is MessageKind.REPEATED]
    assert hours == [1, 3, 7, 11, 15, 19]
    world.set(alert(model="new"))
    world.after(0)
    hours = [second / HOUR_S for second, message in world.until(3 * HOUR_S, HOUR_S / 4) if message.kind is MessageKind.REPEATED]
    assert hours[:2] == [1, 3]


def test_a_heartbeat_is_repeated_at_even_intervals() -> None:
    world = World(Configuration(Route(repeat_interval_s=HOUR_S)))
    world.set(alert(kind="heartbeat"))
    world.look(), world.after(2)
    hours = [second / HOUR_S for second, message in world.until(5.5 * HOUR_S, HOUR_S / 4) if message.kind is MessageKind.REPEATED]
    assert hours == [1, 2, 3, 4, 5]


def test_an_acknowledged_alert_is_not_repeated_and_those_who_can_show_it_are_told() -> None:
    world = World(Configuration(Route(repeat_interval_s=60.0)), {"default": Audience(hears_acknowledgement=True)})
    world.set(alert(model="a"), alert(model="b"))
    world.look(), world.after(2)
    world.set(alert(state=ACKNOWLEDGED, model="a"))
    (message,) = world.after(1)
    assert (message.kind, message.acknowledged, message.firing) == (MessageKind.ACKNOWLEDGED, ("slow-a",), ("slow-b",))
    world.set(alert(state=ACKNOWLEDGED, model="b"))
    assert told(world.after(1)) == [("ACKNOWLEDGED", "default")]
    assert world.until(HOUR_S) == []
    world.set(alert(model="a"))  # somebody has taken the acknowledgement back
    assert [message.new for message in world.after(1)] == [("slow-a",)]


def test_an_acknowledgement_waits_for_no_interval_and_says_nothing_of_the_end_beside_it() -> None:
    world = World(audiences={"default": Audience(hears_acknowledgement=True)})
    world.set(alert(model="a"), alert(model="b"))
    world.look(), world.after(2)
    world.set(alert(state=RESOLVED, model="a"), alert(state=ACKNOWLEDGED, model="b"))
    assert told(world.after(1)) == [("ACKNOWLEDGED", "default")]
    (changed,) = world.after(300)
    assert (changed.kind, changed.ended) == (MessageKind.CHANGED, ("slow-a",))


def test_what_was_acknowledged_before_it_was_told_is_not_told() -> None:
    world = World()
    world.set(alert(state=ACKNOWLEDGED))
    assert world.until(HOUR_S) == []
    world.set(alert(state=RESOLVED))
    assert world.after(1) == [] and world.groups == {}


def test_who_is_named_as_acknowledged_is_told_of_and_so_is_his_end() -> None:
    world = World(audiences={"default": Audience(hears_acknowledgement=True)})
    world.set(alert(state=ACKNOWLEDGED, model="a"), alert(model="b"))
    world.look()
    (first,) = world.after(2)
    assert (first.acknowledged, first.new) == (("slow-a",), ("slow-b",))
    world.set(alert(state=RESOLVED, model="a"))
    assert [message.ended for message in world.after(300)] == [("slow-a",)]


def test_without_a_receiver_nothing_is_lost() -> None:
    world = World(audiences={})
    world.set(alert())
    assert world.until(HOUR_S) == []
    world.audiences["default"] = Audience()
    assert told(world.look()) == [("FIRST", "default")]


def test_who_does_not_want_to_hear_the_end_does_not() -> None:
    world = World(audiences={"default": Audience(hears_end=False)})
    world.set(alert())
    world.look(), world.after(2)
    world.set(alert(state=RESOLVED))
    assert world.after(300) == [] and world.groups == {}


def silence(**fields: object) -> Silence:
    return Silence("s1", (parse_matcher("provider=openai"),), "ann", "", NOW, NOW + timedelta(hours=1), **fields)


def test_what_is_silenced_is_told_when_the_silence_expires() -> None:
    world = World(silences=[silence()])
    world.set(alert())
    assert world.until(HOUR_S - 10) == []
    assert world.outcome is not None and dict(world.outcome.held) == {"slow-": "silence s1"}
    assert [second for second, _ in world.until(60)] == [20]  # the silence ends, and the group waits


def test_silencing_what_was_told_stops_repeats_and_its_end_is_told_all_the_same() -> None:
    world = World(Configuration(Route(repeat_interval_s=60.0)))
    world.set(alert(), alert("other", provider="b"))
    world.look(), world.after(2)
    world.silences.append(silence())
    assert {message.firing for _, message in world.until(HOUR_S - 60)} == {("other-b",)}
    world.set(alert(state=RESOLVED))
    assert [(message.kind, message.ended) for message in world.look()] == [(MessageKind.RESOLVED, ("slow-",))]


def test_parts_are_held_while_their_whole_is_open() -> None:
    world = World(Configuration(Route(group_by=("alertname", "model"))))
    world.set(alert("down", metric="m"), alert("down", metric="m", model="gpt-5"))
    world.look()
    assert [message.firing for message in world.after(2)] == [("down-m",)]
    world.set(alert("down", RESOLVED, metric="m"))
    world.look()
    assert [message.firing for message in world.after(2)] == [("down-m-gpt-5",)]


def test_a_route_is_quiet_in_its_mute_time_and_speaks_at_its_end() -> None:
    night = MuteTime("night", "UTC", (MuteInterval(start_min=720, end_min=780),))
    other = MuteTime("other", "UTC", (MuteInterval(),))
    root = Route(routes=(route("alertname=slow", mute_times=("day", "night")), route("alertname=loud")))
    world = World(Configuration(root, mute_times={"night": night, "other": other}), silences=[silence()])
    world.set(alert(provider="x"), alert("loud", provider="x"), alert(provider="x", model="part"))
    world.look()
    assert [message.firing for message in world.after(2)] == [("loud-x",)]
    assert world.until(HOUR_S - 10) == []
    assert [message.firing for _, message in world.until(60)] == [("slow-x",)]


def test_an_orphan_of_a_route_that_is_gone_is_told_anew_and_its_end_to_whom_it_was_told() -> None:
    world = World(Configuration(Route(routes=(route("provider=openai", receiver="team"),))), {"team": Audience(), "default": Audience()})
    world.set(alert())
    world.look()
    assert told(world.after(2)) == [("FIRST", "team")]
    world.configuration = Configuration()
    world.look()
    assert told(world.after(2)) == [("FIRST", "default")]
    world.set(alert(state=RESOLVED))
    assert sorted(told(world.after(400))) == [("RESOLVED", "default"), ("RESOLVED", "team")]


def escalating(**fields: object) -> World:
    steps = (EscalationStep(0.0, ("default", "lead")), EscalationStep(900.0, (), ("rota",)), EscalationStep(600.0, ("boss", "gone")))
    policy = EscalationPolicy("p", steps, **fields)  # type: ignore[arg-type]
    rota = Rota("rota", "UTC", ("ann", "bob"), NOW.date(), shift_days=1)
    root = Route(escalation_policy="p", repeat_interval_s=30 * 86_400.0)
    names = ("default", "lead", "ann", "bob", "boss")
    return World(Configuration(root, policies={"p": policy}, rotas={"rota": rota}), {name: Audience() for name in names})


def test_steps_are_taken_with_their_delays_until_somebody_acknowledges() -> None:
    world = escalating()
    world.set(alert())
    world.look()
    assert told(world.after(2)) == [("FIRST", "default"), ("ESCALATED", "lead")]
    assert [(second, message.receiver) for second, message in world.until(3 * HOUR_S)] == [(900, "ann"), (1_500, "boss")]
    world.set(alert(state=RESOLVED))
    assert sorted(message.receiver for message in world.look()) == ["ann", "boss", "default", "lead"]


@pytest.mark.parametrize("state", [ACKNOWLEDGED, RESOLVED])
def test_acknowledging_and_resolving_stop_the_steps(state: AlertState) -> None:
    world = escalating()
    world.set(alert())
    world.look(), world.after(2)
    world.set(alert(state=state))
    assert {message.kind for _, message in world.until(3 * HOUR_S)} <= {MessageKind.RESOLVED}


def test_steps_are_repeated_from_a_given_one() -> None:
    world = escalating(repeat_from=1, repeat_count=1)
    world.set(alert())
    world.look(), world.after(2)
    assert [(second, message.receiver) for second, message in world.until(3 * HOUR_S)] == [
        (900, "ann"),
        (1_500, "boss"),
        (2_400, "ann"),
        (3_000, "boss"),
    ]


def test_after_the_last_step_something_new_begins_with_the_first() -> None:
    world = escalating()
    world.set(alert(model="a"))
    world.look(), world.after(2), world.until(HOUR_S)
    world.set(alert(model="new"))
    assert told(world.look()) == [("CHANGED", "default"), ("ESCALATED", "lead")]


def test_a_policy_alone_tells_where_the_route_has_no_receiver() -> None:
    world = escalating()
    del world.audiences["default"]
    world.set(alert())
    world.look()
    assert told(world.after(2)) == [("ESCALATED", "lead")]


def test_a_policy_that_is_gone_escalates_no_more() -> None:
    world = escalating()
    world.set(alert())
    world.look(), world.after(2)
    world.configuration = replace(world.configuration, policies={})
    assert world.until(HOUR_S) == []


def test_an_orphan_does_not_escalate() -> None:
    world = escalating()
    world.configuration = replace(world.configuration, root=Route(routes=(route("provider=openai", escalation_policy="p"),)))
    world.set(alert())
    world.look(), world.after(2)
    world.configuration = replace(world.configuration, root=Route())
    assert {message.kind for _, message in world.until(HOUR_S)} == {MessageKind.FIRST}


def test_a_storm_of_10_000_alerts_in_a_minute_becomes_at_most_20_messages_and_each_is_in_one() -> None:
    world = World()
    for begin in range(4):
        world.set(*(alert(f"rule-{n % 97}", provider=f"provider-{n % 7}", model=f"model-{n}") for n in range(begin, 10_000, 4)))
        world.after(15)
    later = world.until(600, 300.0)
    assert len(world.sent) <= 20 and later
    assert {alert_id for _, message in world.sent for alert_id in message.new} == set(world.alerts)


def test_in_a_storm_what_matters_most_keeps_groups_of_its_own() -> None:
    world = World()
    world.set(*(alert(f"rule-{n:02}", severity=Severity.CRITICAL if n >= 24 else Severity.INFO) for n in range(30)))
    world.look()
    own = {message.labels[0][1] for message in world.after(2) if len(message.labels) == 2}
    assert own == {f"rule-{n}" for n in range(24, 30)}


_CHANGES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([FIRING, ACKNOWLEDGED, RESOLVED]), st.integers(0, 900), st.booleans()),
    min_size=1,
    max_size=15,
)


def _lived(changes: list[tuple[int, AlertState, int, bool]]) -> World:
    """A world in which alerts change and a silence comes and goes."""
    world = World(Configuration(Route(group_by=("alertname",), repeat_interval_s=600.0)), {"default": Audience(hears_acknowledgement=True)})
    for number, state, wait_s, is_silent in changes:
        world.set(alert(f"rule-{number % 2}", state, model=str(number)))
        world.silences = [replace(silence(), end_time=NOW + timedelta(days=1))] if is_silent else []
        world.look()
        world.until(wait_s, 60.0)
    return world


@settings(max_examples=30)
@given(_CHANGES)
def test_no_alert_that_stays_is_lost_and_none_is_told_of_twice_as_new(changes: list[tuple[int, AlertState, int, bool]]) -> None:
    world = _lived(changes)
    world.silences = []
    world.until(1_000, 60.0)
    last_told: dict[str, str] = {}
    for _, message in world.sent:
        for alert_id in message.new:
            assert last_told.get(alert_id) != "firing"
            last_told[alert_id] = "firing"
        if message.kind is MessageKind.ACKNOWLEDGED:
            last_told |= dict.fromkeys(message.acknowledged, "acknowledged")
        last_told |= dict.fromkeys(message.ended, "over")
    for alert_id, each in world.alerts.items():
        if each.state is FIRING:
            assert last_told[alert_id] == "firing"
        elif each.state is RESOLVED:
            assert last_told.get(alert_id, "over") == "over"


@settings(max_examples=30)
@given(_CHANGES)
def test_no_repeat_comes_before_its_interval_and_no_news_before_the_groups(changes: list[tuple[int, AlertState, int, bool]]) -> None:
    world = _lived(changes)
    by_group = defaultdict(list)
    for time, message in world.sent:
        if message.kind is not MessageKind.ACKNOWLEDGED:
            by_group[message.group_id].append((time, message))
    for messages in by_group.values():
        for (before, _), (after, message) in pairwise(messages):
            interval_s = 600 if message.kind is MessageKind.REPEATED else 300
            assert (after - before).total_seconds() >= interval_s
        numbers = Counter(message.delivery_id for _, message in messages)
        assert set(numbers.values()) == {1}
