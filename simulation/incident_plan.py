"""Which incidents there are: drawn from the seed, one in each period of time, or written down by a person."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from simulation.fleet import Fleet, cumulative
from simulation.incidents import SIZES, Field, Incident, Kind, Scope
from simulation.randomness import Purpose, generator

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = r"(\d{1,9}(?:\.\d{1,3})?)([smhd])"
_WRITTEN = re.compile(rf"(?P<kind>\w+)@{_DURATION}\+{_DURATION}(?::(?P<rest>.+))?")
SYNTAX = "KIND@OFFSET+DURATION[:NAME=VALUE,…], such as outage@2h+30m:provider=openai,size=0.95"

# An incident starts in the first half of its period and lasts a tenth to four tenths of it, so that no two overlap and there is enough
# of ordinary time between them to learn what is normal.
_START_BEFORE = 0.5
_LASTS_FROM, _LASTS_TO = 0.1, 0.4


@dataclass(frozen=True)
class DrawnPlan:
    """One incident in each period of this length. Each kind comes once in as many periods as there are kinds."""

    fleet: Fleet
    seed: int
    period_us: int

    def between(self, start_us: int, end_us: int) -> list[Incident]:
        """The incidents that touch the time from start to end, in microseconds since 1970, by start."""
        periods = range(start_us // self.period_us, -(-end_us // self.period_us))
        drawn = (self._draw(period) for period in periods)
        return [incident for incident in drawn if incident.start_us < end_us and incident.end_us > start_us]

    def _draw(self, period: int) -> Incident:
        kinds = list(Kind)
        turn, place = divmod(period, len(kinds))
        kind = kinds[generator(self.seed, Purpose.INCIDENTS, 0, turn).permutation(len(kinds))[place]]
        rng = generator(self.seed, Purpose.INCIDENTS, 1, period)
        start, lasts, size = rng.random(3)
        start_us = round(self.period_us * (period + _START_BEFORE * start))
        end_us = start_us + round(self.period_us * _LASTS_FROM * (_LASTS_TO / _LASTS_FROM) ** lasts)
        drawn = SIZES[kind]
        incident = Incident(kind, start_us, end_us, round(drawn.drawn_from + (drawn.drawn_to - drawn.drawn_from) * size, 2), Scope())
        model = self.fleet.models[int(cumulative(tuple(each.share for each in self.fleet.models)).searchsorted(rng.random()))]
        task_type = self.fleet.task_types[int(cumulative(tuple(each.share for each in self.fleet.task_types)).searchsorted(rng.random()))]
        if kind is Kind.SILENCE:
            return replace(incident, scope=Scope(task_type=task_type.name))
        if kind is Kind.OUTAGE:
            return replace(incident, scope=Scope(provider=model.provider))
        if kind is Kind.FIELD_MISSING:
            return replace(incident, scope=Scope(provider=model.provider), field=list(Field)[int(rng.integers(len(Field)))])
        return replace(incident, scope=Scope(provider=model.provider, model=model.name))


@dataclass(frozen=True)
class WrittenPlan:
    """The incidents that somebody wrote down, and no others."""

    incidents: tuple[Incident, ...] = ()

    def between(self, start_us: int, end_us: int) -> list[Incident]:
        """The incidents that touch the time from start to end, by start."""
        found = (incident for incident in self.incidents if incident.start_us < end_us and incident.end_us > start_us)
        return sorted(found, key=lambda incident: incident.start_us)


Plan = DrawnPlan | WrittenPlan
Member = TypeVar("Member", Kind, Field)


def incident_from_text(text: str, fleet: Fleet, start_us: int) -> Incident:
    """An incident as SYNTAX has it, its offset counted from `start_us`. Raises ValueError with what is wrong with it."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"write {SYNTAX}")
    kind = _member(Kind, match["kind"], "kind")
    offset_us, duration_us = (_duration_us(match[first], match[first + 1]) for first in (2, 4))
    given = dict(part.partition("=")[::2] for part in match["rest"].split(",")) if match["rest"] else {}
    field = _member(Field, given.pop("field", Field.USAGE.value), "field") if kind is Kind.FIELD_MISSING else None
    size = _size(kind, given.pop("size", None))
    if duration_us == 0:
        raise ValueError("an incident must last")
    begins_us = start_us + offset_us
    return Incident(kind, begins_us, begins_us + duration_us, size, _scope(fleet, given), field)


def _duration_us(number: str, unit: str) -> int:
    return round(float(number) * _UNITS_S[unit] * 1_000_000)


def _member(kind: type[Member], name: str, what: str) -> Member:
    try:
        return kind(name)
    except ValueError:
        raise ValueError(f"there is no {what} {name}: choose from {', '.join(each.value for each in kind)}") from None


def _size(kind: Kind, text: str | None) -> float:
    """The size that is given, or the middle of those that are drawn."""
    sizes = SIZES[kind]
    if text is None:
        return (sizes.drawn_from + sizes.drawn_to) / 2
    try:
        size = float(text)
    except ValueError:
        size = -1.0
    if not sizes.least <= size <= sizes.most:
        raise ValueError(f"size of {kind.value} must be {sizes.least:g} to {sizes.most:g}: {sizes.meaning}")
    return size


def _scope(fleet: Fleet, given: Mapping[str, str]) -> Scope:
    known = {
        "provider": {each.provider for each in fleet.models},
        "model": {each.name for each in fleet.models},
        "task_type": {each.name for each in fleet.task_types},
    }
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"there is no {name}: an incident has {', '.join(known)}, size, field")
        if value not in known[name]:
            raise ValueError(f"the fleet has no {name} {value}: choose from {', '.join(sorted(known[name]))}")
    return Scope(**given)
