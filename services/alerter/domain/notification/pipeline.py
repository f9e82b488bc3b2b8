"""From alerts to messages: the stages in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.alerter.domain.alert import Alert
from services.alerter.domain.notification.configuration import Configuration
from services.alerter.domain.notification.flow import Flow
from services.alerter.domain.notification.group import Group, Message
from services.alerter.domain.notification.route import RouteTree
from services.alerter.domain.notification.silence import Silence
from services.alerter.domain.notification.stages.escalating import Escalating
from services.alerter.domain.notification.stages.grouping import Grouping
from services.alerter.domain.notification.stages.inhibiting import Inhibiting
from services.alerter.domain.notification.stages.muting import Muting
from services.alerter.domain.notification.stages.routing import Routing
from services.alerter.domain.notification.stages.silencing import Silencing
from services.alerter.domain.notification.stages.telling import Audience, Telling

# How soon it is looked again whether what holds an alert still does: mute times and silences end by the clock.
HELD_LOOK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Situation:
    """All of a project that decides what is told. `alerts` has every open one; members of groups that it lacks are over."""

    project: str
    alerts: Sequence[Alert]
    configuration: Configuration = field(default_factory=Configuration)
    silences: Sequence[Silence] = ()
    groups: Sequence[Group] = ()
    audiences: Mapping[str, Audience] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to send, and what to remember. `groups` are those that are new or changed, `closed_group_ids` those that are no more.

    `look_time` is when it has to be looked again even if nothing changes, None if it need not. `held` tells for each alert that is held
    what does so.
    """

    messages: tuple[Message, ...]
    groups: tuple[Group, ...]
    closed_group_ids: tuple[str, ...]
    look_time: datetime | None
    held: Mapping[str, str]


def notify(situation: Situation, now: datetime) -> Outcome:
    """What is to be told at this time."""
    tree = RouteTree(situation.configuration.root)
    configuration = situation.configuration
    flow = Flow(now, situation.alerts)
    for stage in (
        Routing(tree),
        Inhibiting(configuration.inhibition_rules),
        Muting(configuration.mute_times),
        Silencing(situation.silences),
        Grouping(situation.project, tree, situation.groups),
        Telling(situation.audiences),
        Escalating(configuration, situation.audiences),
    ):
        flow = stage.run(flow)
    return _outcome(flow, situation.groups)


def _outcome(flow: Flow, before: Sequence[Group]) -> Outcome:
    known = {group.group_id: group for group in before}
    after = [gathering.group for gathering in flow.gatherings]
    held = {entry.alert.alert_id: entry.held_by for entry in flow.entries if entry.held_by}
    times = [gathering.due_time for gathering in flow.gatherings if gathering.due_time is not None and gathering.group.members]
    if held:
        times.append(flow.now + HELD_LOOK)
    return Outcome(
        messages=tuple(message for gathering in flow.gatherings for message in gathering.messages),
        groups=tuple(group for group in after if group.members and group != known.get(group.group_id)),
        closed_group_ids=tuple(group.group_id for group in after if not group.members and group.group_id in known),
        look_time=min(times, default=None),
        held=held,
    )
