"""Fifth stage: alerts become members of groups, and stay so until they are over."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.alerter.domain.alert import Alert, AlertState
from services.alerter.domain.notification.flow import Entry, Flow, Gathering
from services.alerter.domain.notification.group import Group, Told
from services.alerter.domain.notification.route import RouteTree

# A storm: a route that has opened so many groups within the window opens no more of them, but takes labels out of the grouping: first all
# but the first one, then all. So it opens at most 9 groups in the window, each told of at its start and then once an interval.
STORM_WINDOW = timedelta(minutes=5)
NEW_GROUPS_MAX = (6, 2)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Puts each alert that nothing holds into a group of its route, and looks how the members of all groups are."""

    project: str
    tree: RouteTree
    groups: Sequence[Group]

    def run(self, flow: Flow) -> Flow:
        """Adds the gatherings."""
        places = _Places(self.project, self.groups, flow.now)
        for entry in sorted(filter(_is_free, flow.entries), key=_urgency):
            places.join(entry)
        states = {alert.alert_id: alert.state for alert in flow.alerts}
        free = {(entry.destination.route_id, entry.alert.alert_id) for entry in flow.entries if not entry.held_by}
        heartbeats = {alert.alert_id for alert in flow.alerts if alert.is_heartbeat}
        gatherings = [self._gathering(group, states, free) for group in places.groups()]
        return replace(flow, gatherings=[replace(each, is_heartbeat=not heartbeats.isdisjoint(each.firing)) for each in gatherings])

    def _gathering(self, group: Group, states: dict[str, AlertState], free: set[tuple[str, str]]) -> Gathering:
        firing, acknowledged, held, ended = [], [], [], []
        for alert_id in group.members:
            state = states.get(alert_id)
            if state is None or not state.is_open:
                ended.append(alert_id)
            elif (group.route_id, alert_id) not in free:
                held.append(alert_id)
            elif state is AlertState.FIRING:
                firing.append(alert_id)
            else:
                acknowledged.append(alert_id)
        destination = self.tree.by_id.get(group.route_id)
        return Gathering(group, destination, tuple(firing), tuple(acknowledged), tuple(held), tuple(ended))


def _is_free(entry: Entry) -> bool:
    return not entry.held_by


def _urgency(entry: Entry) -> tuple[int, datetime, str]:
    """In a storm, the groups of their own go to what matters most."""
    alert: Alert = entry.alert
    return -alert.severity.value, alert.start_time, alert.alert_id


class _Places:
    """The open groups, and room for more."""

    def __init__(self, project: str, groups: Iterable[Group], now: datetime) -> None:
        self._project = project
        self._now = now
        self._groups = {group.group_id: group for group in groups}
        self._members = {group.group_id: dict(group.members) for group in self._groups.values()}
        self._joined = {(group.route_id, alert_id) for group in self._groups.values() for alert_id in group.members}
        self._by_labels = {(group.route_id, group.labels): group.group_id for group in self._groups.values()}
        recent = (group for group in self._groups.values() if group.open_time > now - STORM_WINDOW)
        self._new_counts = Counter((group.route_id, group.level) for group in recent)

    def groups(self) -> list[Group]:
        """All of them with their members."""
        return [
            group if len(self._members[group.group_id]) == len(group.members) else replace(group, members=self._members[group.group_id])
            for group in self._groups.values()
        ]

    def join(self, entry: Entry) -> None:
        """Makes the alert a member, unless it is one on this way already."""
        key = (entry.destination.route_id, entry.alert.alert_id)
        if key not in self._joined:
            self._joined.add(key)
            self._members[self._place(entry)][entry.alert.alert_id] = Told.NOTHING

    def _place(self, entry: Entry) -> str:
        """The group's id: the finest that is there or has room."""
        route_id = entry.destination.route_id
        labels = entry.destination.group_labels(entry.alert.labels)
        for level, kept in enumerate((labels, labels[:1])):
            known = self._by_labels.get((route_id, kept))
            if known is not None:
                return known
            if self._new_counts[route_id, level] < NEW_GROUPS_MAX[level]:
                return self._opened(route_id, kept, level)
        return self._by_labels.get((route_id, ())) or self._opened(route_id, (), len(NEW_GROUPS_MAX))

    def _opened(self, route_id: str, labels: tuple[tuple[str, str], ...], level: int) -> str:
        identity = f"{self._project}\n{route_id}\n{labels}\n{self._now.isoformat()}"
        group_id = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()
        self._groups[group_id] = Group(group_id, route_id, labels, self._now, level)
        self._members[group_id] = {}
        self._by_labels[route_id, labels] = group_id
        self._new_counts[route_id, level] += 1
        return group_id
