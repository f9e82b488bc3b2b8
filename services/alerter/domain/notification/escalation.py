"""Escalation: who is told next while nobody acknowledges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kit.errors import invalid
from services.alerter.domain.notification.local_time import Rota

STEPS_MAX = 32
STEP_RECEIVERS_MAX = 16
DELAY_MAX_S = 7 * 86_400.0
ROUNDS_MAX = 100


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Who is told, this long after the step before; of the first step, after the group was first told of."""

    delay_s: float
    receivers: tuple[str, ...] = ()
    rotas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """Steps; after the last one they go on from `repeat_from` (counted from 0), `repeat_count` times."""

    name: str
    steps: tuple[EscalationStep, ...]
    repeat_from: int = 0
    repeat_count: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= STEPS_MAX:
            raise invalid("steps", f"a policy has 1 to {STEPS_MAX} steps")
        if any(not 0 <= step.delay_s <= DELAY_MAX_S for step in self.steps):
            raise invalid("delay", f"must be 0 to {DELAY_MAX_S:g} s")
        if any(not 1 <= len(step.receivers) + len(step.rotas) <= STEP_RECEIVERS_MAX for step in self.steps):
            raise invalid("steps", f"a step tells 1 to {STEP_RECEIVERS_MAX} receivers or rotas")
        if not (0 <= self.repeat_from < len(self.steps) and 0 <= self.repeat_count <= ROUNDS_MAX):
            raise invalid("repeat_from", f"must be one of the steps, repeated at most {ROUNDS_MAX} times")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a group has come: the step that is next, how often steps were repeated, and when the step before was taken."""

    next_step: int
    round_count: int
    step_time: datetime


def due_time(policy: EscalationPolicy, progress: Progress) -> datetime | None:
    """When the next step is due, None after the last one."""
    if progress.next_step >= len(policy.steps):
        return None
    return progress.step_time + timedelta(seconds=policy.steps[progress.next_step].delay_s)


def taken(policy: EscalationPolicy, progress: Progress, now: datetime) -> Progress:
    """The progress once the next step was taken now. Steps that were missed are not taken all at once: each has its delay."""
    following = progress.next_step + 1
    if following >= len(policy.steps) and progress.round_count < policy.repeat_count:
        return Progress(policy.repeat_from, progress.round_count + 1, now)
    return replace(progress, next_step=following, step_time=now)


def step_receivers(step: EscalationStep, rotas: Mapping[str, Rota], now: datetime) -> list[str]:
    """Whom a step tells now, each once: its receivers, and who is on call in its rotas."""
    named = [*step.receivers, *(rotas[name].on_call(now) for name in step.rotas if name in rotas)]
    return list(dict.fromkeys(named))
