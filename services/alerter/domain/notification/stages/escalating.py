"""Seventh stage: while nobody acknowledges, others are told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.alerter.domain.notification.configuration import Configuration
from services.alerter.domain.notification.escalation import EscalationPolicy, Progress, due_time, step_receivers, taken
from services.alerter.domain.notification.flow import Flow, Gathering
from services.alerter.domain.notification.group import MessageKind, Told
from services.alerter.domain.notification.stages.telling import Audience, messages_to


@dataclass(frozen=True, slots=True)
class Escalating:
    """Takes the steps that are due in groups that were told of and have a member that nobody has acknowledged."""

    configuration: Configuration
    audiences: Mapping[str, Audience]

    def run(self, flow: Flow) -> Flow:
        """Adds the messages of the steps."""
        return replace(flow, gatherings=[self._escalated(each, flow.now) for each in flow.gatherings])

    def _escalated(self, gathering: Gathering, now: datetime) -> Gathering:
        group = gathering.group
        policy = self._policy(gathering)
        if policy is None or not any(group.members[alert_id] is Told.FIRING for alert_id in gathering.firing):
            return gathering if group.escalation is None else replace(gathering, group=replace(group, escalation=None))
        progress = group.escalation or Progress(0, 0, now)
        has_news = any(message.new for message in gathering.messages)
        if has_news and due_time(policy, progress) is None:
            progress = Progress(0, 0, now)  # all steps were taken for what was known; this is something else
        due = due_time(policy, progress)
        if due is not None and due <= now:
            gathering = self._with_step(gathering, policy, progress, now)
            progress = taken(policy, progress, now)
            due = due_time(policy, progress)
        times = [time for time in (gathering.due_time, due) if time is not None]
        return replace(gathering, group=replace(gathering.group, escalation=progress), due_time=min(times, default=None))

    def _policy(self, gathering: Gathering) -> EscalationPolicy | None:
        if gathering.destination is None:
            return None
        return self.configuration.policies.get(gathering.destination.escalation_policy)

    def _with_step(self, gathering: Gathering, policy: EscalationPolicy, progress: Progress, now: datetime) -> Gathering:
        named = step_receivers(policy.steps[progress.next_step], self.configuration.rotas, now)
        just_told = {message.receiver for message in gathering.messages}
        receivers = [name for name in named if name in self.audiences and name not in just_told]
        number = gathering.group.message_count + 1
        group = replace(
            gathering.group,
            message_count=number,
            receivers=tuple(dict.fromkeys((*gathering.group.receivers, *receivers))),
        )
        new = () if progress.round_count or progress.next_step else gathering.firing
        messages = messages_to(receivers, gathering, number, MessageKind.ESCALATED, new)
        return replace(gathering, group=group, messages=gathering.messages + messages)
