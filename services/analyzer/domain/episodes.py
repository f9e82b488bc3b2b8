"""Which findings are one episode: they begin, join, widen, end, and are taken up again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.anomaly import anomaly_id
from services.analyzer.domain.episode import Episode
from services.analyzer.domain.finding import Family, Finding, FindingId
from services.analyzer.domain.monitor_configuration import HOUR_S, MonitorConfiguration
from services.analyzer.domain.recent_calls import RecentCalls
from services.analyzer.domain.roster import Roster
from services.analyzer.domain.scope import ScopeFinder
from services.analyzer.domain.series import Scope, scope_of
from services.analyzer.domain.window_columns import WindowColumns

# Series whose calls are so great a part of the calls of a group's series are well again: so is the group.
_WELL_SHARE = 0.8
_WELL_LOOK_S = 15 * 60
# Slow series stay in alarm for want of calls when their group is well again. They are told anew if evidence grows tenfold, or if it lasts.
_MUTE_S = 6 * HOUR_S
_MUTE_GROWTH = 1.0


@dataclass(frozen=True, slots=True)
class Mute:
    """A finding that was told with an episode which is over: not told anew before windows after `until_s` show it, or evidence grows."""

    until_s: float
    log10_e: float


class Episodes:
    """The open episodes of a project, and those that were over a little while ago.

    A finding belongs to one episode at most. It joins, in this order: the episode that it was in; an open group of its family that contains
    its series, whenever it began; an open episode of another family that contains its series and began at about the same time, as what
    moved along; a group that it forms with other findings of its family, and with open episodes of it, the oldest of which is widened and
    keeps its id; an episode that was over a little while ago; else it is an episode by itself.
    Who leads is decided when an episode begins, by rank and then evidence (see `_by_family`). Whatever comes later is told as moving along,
    however strong it is: what was told keeps its name.
    """

    def __init__(self, roster: Roster, recent: RecentCalls, configuration: MonitorConfiguration) -> None:
        self._roster = roster
        self._recent = recent
        self._configuration = configuration
        self._finder = ScopeFinder(roster, recent, configuration)
        self.open: dict[str, Episode] = {}
        self.over: dict[str, Episode] = {}
        self.muted: dict[FindingId, Mute] = {}

    def count_calls(self, windows: WindowColumns) -> None:
        """Counts new calls of the open episodes' lead series by outcome."""
        for episode in self.open.values():
            lead = [self._roster.number(finding.key) for finding in episode.lead()]
            rows = np.isin(windows.series, lead) & (windows.start_s >= episode.start_s // 60 * 60)
            episode.count(windows.outcome_counts[rows].sum(axis=0).tolist())

    def review(self, findings: Mapping[FindingId, Finding], now_s: float) -> list[Episode]:
        """Brings all episodes in line with the findings that are in alarm now. Returns those that changed in more than numbers."""
        for late in [each for each in self.over.values() if now_s - (each.end_s or now_s) > self._configuration.reopen_s]:
            del self.over[late.anomaly_id]
        self._unmute(findings)
        free = {each: finding for each, finding in findings.items() if each not in self.muted}
        changed: dict[str, Episode] = {}
        for episode in self._ordered():
            if self._refresh(episode, free):
                changed[episode.anomaly_id] = episode
        for family, mine in _by_family(free.values()):
            for episode in self._place(family, mine, now_s):
                changed[episode.anomaly_id] = episode
        for episode in self._ordered():
            if self._is_over(episode, now_s):
                self._end(episode, now_s)
                changed[episode.anomaly_id] = episode
        return list(changed.values())

    def _ordered(self) -> list[Episode]:
        return sorted(self.open.values(), key=lambda episode: (episode.start_s, episode.anomaly_id))

    def _unmute(self, findings: Mapping[FindingId, Finding]) -> None:
        for each, mute in list(self.muted.items()):
            finding = findings.get(each)
            if finding is None or finding.seen_s >= mute.until_s or finding.log10_e > mute.log10_e + _MUTE_GROWTH:
                del self.muted[each]

    def _refresh(self, episode: Episode, free: dict[FindingId, Finding]) -> bool:
        """Takes what belongs to the episode out of `free`; whether its parts changed."""
        before = episode.live
        mine = [free.pop(each) for each in list(episode.members) if each in free]
        episode.live = set()
        self._take(episode, mine)
        return episode.live != before

    def _take(self, episode: Episode, findings: Sequence[Finding]) -> None:
        for finding in findings:
            if finding.family == episode.family and finding.id not in episode.members:
                episode.count(self._outcomes(finding))
        episode.take(findings)

    def _outcomes(self, finding: Finding) -> list[int]:
        counts: list[int] = self._recent.outcomes_since(np.array([self._roster.number(finding.key)]), finding.onset_s)[0].tolist()
        return counts

    def _place(self, family: Family, findings: Sequence[Finding], now_s: float) -> Iterable[Episode]:
        """Finds an episode for each of the findings, which are of one family."""
        joined: dict[str, list[Finding]] = {}
        left: list[Finding] = []
        open_now = _Around(self._ordered())
        for finding in findings:
            episode = self._joined(finding, open_now)
            if episode is None:
                left.append(finding)
            else:
                joined.setdefault(episode.anomaly_id, []).append(finding)
        touched = [self.open[each] for each in joined]
        for episode in touched:
            self._take(episode, joined[episode.anomaly_id])
        while left:
            episodes, grouped = self._grouped(family, left, now_s)
            if not grouped:
                break
            touched += episodes
            left = [finding for finding in left if finding.id not in grouped]
        return [*touched, *(self._alone(finding) for finding in left if not finding.is_weak)]

    def _joined(self, finding: Finding, open_now: _Around) -> Episode | None:
        around = open_now.of(finding)
        same = [episode for episode in around if episode.family == finding.family]
        other = [episode for episode in around if episode.family != finding.family and self._finder.is_near(finding, episode.start_s)]
        return next(iter([*same, *other]), None)

    def _grouped(self, family: Family, findings: Sequence[Finding], now_s: float) -> tuple[list[Episode], set[FindingId]]:
        """The coarsest group that takes some of the findings in; the episodes that changed, and the findings that are dealt with."""
        owners = {finding.id: episode for episode in self._ordered() if episode.family == family for finding in episode.live_lead()}
        while True:
            pool = [*findings, *(episode.members[each] for each, episode in owners.items())]
            widest = self._finder.widest(pool, len(findings))
            if widest is None:
                return [], set()
            grouped = [pool[row] for row in widest.rows.tolist()]
            around = {owners[finding.id].anomaly_id: owners[finding.id] for finding in grouped if finding.id in owners}
            crossing = [each for each in around.values() if not (widest.scope.covers(each.scope) or each.scope.covers(widest.scope))]
            if not crossing:
                break
            # What is neither wider nor narrower is another story, and keeps what belongs to it.
            owners = {each: episode for each, episode in owners.items() if episode not in crossing}
        concerned = sorted(around.values(), key=lambda episode: (episode.start_s, episode.anomaly_id))
        placed = {finding.id for finding in grouped}
        if not concerned and not self._is_enough(grouped):
            return [], placed
        return self._gathered(widest.scope, grouped, concerned, now_s), placed

    def _is_enough(self, findings: Sequence[Finding]) -> bool:
        """Whether findings that are not told alone are enough together."""
        evidence = sum(finding.log10_e for finding in findings)
        return evidence >= self._configuration.failure_alone_log10_e or not all(finding.is_weak for finding in findings)

    def _gathered(self, scope: Scope, findings: Sequence[Finding], known: Sequence[Episode], now_s: float) -> list[Episode]:
        """Makes one episode of a group and the episodes that are part of it; all that changed."""
        if known:
            episode = known[0]
            episode.scope = episode.scope if episode.scope.covers(scope) else scope
        else:
            episode = self._taken_up(scope, findings) or self._new(scope, findings)
        merged = [*known[1:], *self._within(episode, known)]
        for each in merged:
            self._merge(each, episode, now_s)
        self._take(episode, [finding for finding in findings if finding.id not in episode.live])
        return [episode, *merged]

    def _within(self, episode: Episode, known: Sequence[Episode]) -> list[Episode]:
        """Other open episodes within its scope that began at about the same time, whatever they are of: they moved along."""
        inside = [each for each in self._ordered() if each is not episode and each not in known and episode.scope.covers(each.scope)]
        return [each for each in inside if any(self._finder.is_near(finding, episode.start_s) for finding in each.live_lead()[:1])]

    def _merge(self, merged: Episode, into: Episode, now_s: float) -> None:
        """What was an episode by itself is part of a wider one; all that belongs to it goes there."""
        del self.open[merged.anomaly_id]
        merged.end_s, merged.merged_into = now_s, into.anomaly_id
        self._take(into, [merged.members[each] for each in sorted(merged.live, key=str)])

    def _alone(self, finding: Finding) -> Episode:
        scope = scope_of(finding.key)
        episode = self._taken_up(scope, [finding]) or self._new(scope, [finding])
        self._take(episode, [finding])
        return episode

    def _taken_up(self, scope: Scope, findings: Sequence[Finding]) -> Episode | None:
        """An episode that was over a little while ago and is not after all: of this scope, or a wider one that had a finding."""
        for episode in sorted(self.over.values(), key=lambda episode: (-(episode.end_s or 0.0), episode.anomaly_id)):
            is_same = episode.scope == scope or any(finding.id in episode.members for finding in findings)
            if is_same and episode.family == findings[0].family and episode.scope.covers(scope):
                del self.over[episode.anomaly_id]
                self.open[episode.anomaly_id] = episode
                episode.end_s = None
                return episode
        return None

    def _new(self, scope: Scope, findings: Sequence[Finding]) -> Episode:
        strongest = min(findings, key=lambda finding: finding.rank)
        start_s = min(finding.onset_s for finding in findings)
        detect_s = max(finding.seen_s for finding in findings)
        name = anomaly_id(scope, strongest.metric, strongest.kind, start_s)
        episode = Episode(name, strongest.kind, strongest.family, scope, start_s, detect_s, detect_s)
        self.open[name] = episode
        return episode

    def _is_over(self, episode: Episode, now_s: float) -> bool:
        """No lead finding is left; or those that are well again have had most of the calls lately, and that for a while."""
        live = episode.live_lead()
        if not live:
            return True
        lead = episode.lead()
        calls = self._recent.calls_since(np.array([self._roster.number(finding.key) for finding in lead]), now_s - _WELL_LOOK_S)
        is_well = np.array([finding.id not in episode.live for finding in lead])
        if calls[is_well].sum() < _WELL_SHARE * max(calls.sum(), 1):
            episode.well_s = math.inf
            return False
        episode.well_s = min(episode.well_s, now_s)
        return now_s - episode.well_s >= self._configuration.settle_s

    def _end(self, episode: Episode, now_s: float) -> None:
        episode.end_s = now_s
        for each in episode.live:
            self.muted[each] = Mute(now_s + _MUTE_S, episode.members[each].log10_e)
        episode.live = set()
        del self.open[episode.anomaly_id]
        self.over[episode.anomaly_id] = episode


class _Around:
    """Finds the episodes whose scope contains a series: there may be many of single series, and few wider ones."""

    def __init__(self, episodes: Sequence[Episode]) -> None:
        """The episodes in the order in which they are to be found."""
        self._wide = [episode for episode in episodes if not episode.scope.is_series]
        self._single: dict[Scope, list[Episode]] = {}
        for episode in episodes:
            self._single.setdefault(episode.scope, []).append(episode)

    def of(self, finding: Finding) -> list[Episode]:
        """Those that contain the finding's series, the wider ones first."""
        wide = [episode for episode in self._wide if episode.scope.contains(finding.key)]
        return [*wide, *self._single.get(scope_of(finding.key), [])]


def _by_family(findings: Iterable[Finding]) -> list[tuple[Family, list[Finding]]]:
    """Families in the order of who leads, and the findings of each, the strongest first.

    Silences and missing fields explain what moves with them; then it is the evidence of all series together.
    """
    families: dict[Family, list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: finding.rank):
        families.setdefault(finding.family, []).append(finding)
    return sorted(families.items(), key=lambda item: (-item[0].form.value, -sum(each.log10_e for each in item[1]), item[0].metric.value))
