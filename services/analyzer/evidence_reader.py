"""Reads what a project's rankings rest on: calls from the collector, what is wrong now from the analyzer's own anomalies."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from services.analyzer.collector import MINUTE_S, Collector
from services.analyzer.domain.ranking.evidence import Evidence
from services.analyzer.domain.ranking.gathered import CellWindows, Incident, concatenated, evidence_of, incident_of
from services.analyzer.store.anomalies import AnomalyStore

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
# Evidence is not looked for further back.
HISTORY_S = 30 * DAY_S
# The days before today hardly change: late calls and scores come to them. They are asked for so often.
PAST_EVERY_S = 600.0
# Each moment that something began to be wrong is a question of its own; the latest begun count.
ONSETS_MAX = 20


class Basis(NamedTuple):
    """Which calls a ranking rests on: a project's, and of those the ones with a prompt's name and version, "" for all."""

    project: str
    prompt: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Past:
    """The windows of whole days up to `until_s`, and when they were asked for."""

    windows: CellWindows
    until_s: int
    read_s: float


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: windows of all days, and of what is wrong since its onset; as of when. `past` is to be given the next time."""

    windows: CellWindows
    incidents: list[tuple[Incident, CellWindows]]
    as_of_s: float
    past: Past

    def evidence(self, half_life_s: float) -> Evidence:
        """The same as evidence; a call of so long ago counts half."""
        return evidence_of(self.windows, self.incidents, as_of_s=self.as_of_s, half_life_s=half_life_s)


class EvidenceReader:
    """Today by the hour, the days before it by the day, and since the onset of what is wrong."""

    def __init__(self, collector: Collector, anomalies: AnomalyStore, now_s: Callable[[], float] = time.time) -> None:
        self._collector = collector
        self._anomalies = anomalies
        self._now_s = now_s

    async def read(self, basis: Basis, past: Past | None) -> Read:
        """What is known as of now. Raises AssayError, and errors of the database."""
        now_s = self._now_s()
        until_s = int(now_s) // MINUTE_S * MINUTE_S + MINUTE_S
        today_s = int(now_s) // DAY_S * DAY_S
        if past is None or past.until_s != today_s or now_s - past.read_s > PAST_EVERY_S:
            windows, _ = await self._collector.cells(basis.project, today_s - HISTORY_S, today_s, DAY_S, prompt=basis.prompt)
            past = Past(windows, today_s, now_s)
        today, received_s = await self._collector.cells(basis.project, today_s, until_s, HOUR_S, prompt=basis.prompt)
        incidents = await self._incidents(basis, until_s)
        as_of_s = received_s or now_s  # without any call, that there is none is known as of now
        return Read(concatenated([past.windows, today]), incidents, as_of_s, past)

    async def _incidents(self, basis: Basis, until_s: int) -> list[tuple[Incident, CellWindows]]:
        """What is wrong now, the latest begun first, with what was seen since."""
        stored, _ = await self._anomalies.open(basis.project)
        found = [incident for one in stored if (incident := incident_of(one.anomaly))]
        since: dict[int, CellWindows] = {}
        incidents = []
        for incident in found:
            begin_s = int(max(incident.start_s, until_s - HISTORY_S)) // MINUTE_S * MINUTE_S
            if begin_s not in since:
                if len(since) == ONSETS_MAX:
                    break
                since[begin_s], _ = await self._collector.cells(basis.project, begin_s, until_s, prompt=basis.prompt)
            incidents.append((incident, since[begin_s]))
        return incidents
