"""Sixth stage: whether a group has something to tell now. Nothing is told twice, and repeats grow rare."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.alerter.domain.notification.flow import Flow, Gathering
from services.alerter.domain.notification.group import Group, Message, MessageKind, Told
from services.alerter.domain.notification.route import DEFAULT_GROUP_INTERVAL_S, Destination

BACK_OFF = 2.0  # each repeat comes after so many times the wait of the one before, up to the route's greatest factor


@dataclass(frozen=True, slots=True)
class Audience:
    """What a receiver wants to hear beside of what is new."""

    hears_end: bool = True
    hears_acknowledgement: bool = False


@dataclass(frozen=True, slots=True)
class _News:
    """What the receivers of a group do not know yet: members that fire, that were acknowledged, and that are over."""

    firing: tuple[str, ...]
    acknowledged: tuple[str, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """Makes the messages that are due, one for each receiver. `audiences` are the receivers that there are."""

    audiences: Mapping[str, Audience]

    def run(self, flow: Flow) -> Flow:
        """Adds the messages, and what is then known of each group."""
        return replace(flow, gatherings=[self._told(_without_unheard_ends(each), flow.now) for each in flow.gatherings])

    def _told(self, gathering: Gathering, now: datetime) -> Gathering:
        news = _news(gathering)
        group = gathering.group
        is_nobody_there = not self._listeners(gathering, MessageKind.FIRST) and not _escalates(gathering)
        if news.firing and is_nobody_there:
            news = replace(news, firing=())  # it stays news until there is somebody to tell
        later = []
        if news.firing or news.ended:
            due = _news_time(group, gathering.destination)
            if due <= now:
                return self._with_message(gathering, _kind(gathering), replace(news, acknowledged=()), now)
            later.append(due)
        if news.acknowledged:
            return self._with_message(gathering, MessageKind.ACKNOWLEDGED, _News((), news.acknowledged, ()), now)
        repeat = _repeat_time(gathering)
        if repeat is not None:
            if repeat <= now and not later:
                return self._with_message(gathering, MessageKind.REPEATED, news, now)
            later.append(repeat)
        return replace(gathering, due_time=min(later, default=None))

    def _with_message(self, gathering: Gathering, kind: MessageKind, news: _News, now: datetime) -> Gathering:
        listeners = self._listeners(gathering, kind)
        members = gathering.group.members
        # A message names all that is acknowledged: who was so before he was told of is thereby told of, and his end will be.
        named = tuple(alert_id for alert_id in gathering.acknowledged if members[alert_id] is Told.NOTHING)
        group = _remembered(gathering.group, kind, replace(news, acknowledged=news.acknowledged + named), now, listeners)
        messages = messages_to(listeners, gathering, group.message_count, kind, news.firing)
        # What was not told of in this message, as an acknowledgement beside news, comes at the next look.
        return replace(gathering, group=group, messages=messages, due_time=now)

    def _listeners(self, gathering: Gathering, kind: MessageKind) -> list[str]:
        """Who is told: of what is new the route's receiver, of ends and acknowledgements all who know of the group."""
        receiver = "" if gathering.destination is None else gathering.destination.receiver
        match kind:
            case MessageKind.RESOLVED:
                named = [name for name in gathering.group.receivers if name in self.audiences and self.audiences[name].hears_end]
            case MessageKind.ACKNOWLEDGED:
                known = [name for name in gathering.group.receivers if name in self.audiences]
                named = [name for name in known if self.audiences[name].hears_acknowledgement]
            case _:
                named = [receiver] if receiver in self.audiences else []
        return named


def messages_to(
    receivers: Iterable[str], gathering: Gathering, number: int, kind: MessageKind, new: tuple[str, ...] = ()
) -> tuple[Message, ...]:
    """The same message for each of the receivers; `number` counts the messages of the group."""
    group = gathering.group
    return tuple(
        Message(
            delivery_id=hashlib.blake2b(f"{group.group_id}\n{number}\n{receiver}".encode(), digest_size=16).hexdigest(),
            group_id=group.group_id,
            number=number,
            kind=kind,
            receiver=receiver,
            labels=group.labels,
            firing=gathering.firing,
            acknowledged=gathering.acknowledged,
            ended=gathering.ended,
            new=new,
        )
        for receiver in receivers
    )


def _without_unheard_ends(gathering: Gathering) -> Gathering:
    """Members that are over before anybody was told of them are forgotten."""
    members = gathering.group.members
    unheard = {alert_id for alert_id in gathering.ended if members[alert_id] is Told.NOTHING}
    if not unheard:
        return gathering
    kept = {alert_id: told for alert_id, told in members.items() if alert_id not in unheard}
    ended = tuple(alert_id for alert_id in gathering.ended if alert_id not in unheard)
    return replace(gathering, group=replace(gathering.group, members=kept), ended=ended)


def _news(gathering: Gathering) -> _News:
    members = gathering.group.members
    return _News(
        firing=tuple(alert_id for alert_id in gathering.firing if members[alert_id] is not Told.FIRING),
        acknowledged=tuple(alert_id for alert_id in gathering.acknowledged if members[alert_id] is Told.FIRING),
        ended=gathering.ended,
    )


def _kind(gathering: Gathering) -> MessageKind:
    if gathering.group.told_time is None:
        return MessageKind.FIRST
    is_open = gathering.firing or gathering.acknowledged or gathering.held
    return MessageKind.CHANGED if is_open else MessageKind.RESOLVED


def _news_time(group: Group, destination: Destination | None) -> datetime:
    """When what is new may be told: a while after the group was opened, then at most once an interval."""
    if group.told_time is None:
        return group.open_time + timedelta(seconds=destination.group_wait_s if destination else 0.0)
    return group.told_time + timedelta(seconds=destination.group_interval_s if destination else DEFAULT_GROUP_INTERVAL_S)


def _repeat_time(gathering: Gathering) -> datetime | None:
    """When the group is to be told of once more, None while nobody has to be reminded."""
    group, destination = gathering.group, gathering.destination
    if group.told_time is None or destination is None or not _unacknowledged(gathering):
        return None
    factor = 1.0 if gathering.is_heartbeat else min(BACK_OFF ** min(group.repeat_count, 64), destination.repeat_factor_max)
    return group.told_time + timedelta(seconds=destination.repeat_interval_s * factor)


def _unacknowledged(gathering: Gathering) -> bool:
    return any(gathering.group.members[alert_id] is Told.FIRING for alert_id in gathering.firing)


def _escalates(gathering: Gathering) -> bool:
    return gathering.destination is not None and bool(gathering.destination.escalation_policy)


def _remembered(group: Group, kind: MessageKind, news: _News, now: datetime, listeners: list[str]) -> Group:
    """The group once the message is made."""
    members = dict(group.members)
    for alert_id in news.ended:
        del members[alert_id]
    members |= dict.fromkeys(news.firing, Told.FIRING) | dict.fromkeys(news.acknowledged, Told.ACKNOWLEDGED)
    repeat_count = group.repeat_count + 1 if kind is MessageKind.REPEATED else 0 if news.firing else group.repeat_count
    return replace(
        group,
        members=members,
        told_time=group.told_time if kind is MessageKind.ACKNOWLEDGED else now,
        repeat_count=repeat_count,
        message_count=group.message_count + 1,
        receivers=tuple(dict.fromkeys((*group.receivers, *listeners))),
    )
