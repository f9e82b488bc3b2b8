"""All that a monitor knows as bytes, and back: a part for each series, and one for the project."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from kit.errors import AssayError, Kind
from services.analyzer.domain import failures, recent_calls
from services.analyzer.domain import fields as missing_fields
from services.analyzer.domain.engine import Engine
from services.analyzer.domain.episode import Episode
from services.analyzer.domain.episodes import Episodes, Mute
from services.analyzer.domain.failures import FailureWatch
from services.analyzer.domain.fields import FieldWatch
from services.analyzer.domain.finding import Family, Finding, FindingId, Form
from services.analyzer.domain.gaps import Gaps
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Severity
from services.analyzer.domain.recent_calls import RecentCalls
from services.analyzer.domain.roster import Roster
from services.analyzer.domain.series import Scope, SeriesKey
from services.analyzer.domain.silence import SilenceWatch

# To be raised with every change of what a state contains or means.
STATE_VERSION = 1
_HEAD = struct.Struct("<BI")
_GAPS = struct.Struct(f"<{len(Gaps.FIELDS) + 1}d")
_OWN_OCTETS = _GAPS.size + recent_calls.STATE_OCTETS + missing_fields.STATE_OCTETS + failures.STATE_OCTETS
_LEVEL_1 = 1

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MonitorState:
    """What is kept of a project. `project` is empty where nothing was kept yet."""

    series: Mapping[SeriesKey, bytes]
    project: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """What a monitor is made of, beside its engine."""

    roster: Roster
    recent: RecentCalls
    silence: SilenceWatch
    fields: FieldWatch
    failures: FailureWatch
    episodes: Episodes
    signals: dict[FindingId, Finding]


def series_state(parts: Parts, series: int, engine_state: bytes) -> bytes:
    """What is known of a series."""
    own = b"".join(
        (
            _GAPS.pack(*parts.silence.series.columns[series], parts.silence.rate[series]),
            parts.recent.state(series),
            parts.fields.state(series),
            parts.failures.state(series),
        )
    )
    return _HEAD.pack(STATE_VERSION, len(engine_state)) + engine_state + zlib.compress(own, _LEVEL_1)


def restore_series(parts: Parts, key: SeriesKey, state: bytes, engine: Engine, grow: Callable[[], None]) -> None:
    """Puts back what `series_state` gave; `grow` makes room for what the engine has."""
    version, length = _HEAD.unpack_from(state) if len(state) >= _HEAD.size else (0, 0)
    own = _decompressed(state[_HEAD.size + length :]) if version == STATE_VERSION else b""
    if len(own) != _OWN_OCTETS:
        raise _unreadable("a series")
    series = engine.restore(key, state[_HEAD.size : _HEAD.size + length])
    grow()
    *columns, rate = _GAPS.unpack_from(own)
    parts.silence.series.columns[series] = columns
    parts.silence.rate[series] = rate
    place = _GAPS.size
    parts.recent.restore(series, own[place : (place := place + recent_calls.STATE_OCTETS)])
    parts.fields.restore(series, own[place : (place := place + missing_fields.STATE_OCTETS)])
    parts.failures.restore(series, own[place:])


def project_state(parts: Parts) -> bytes:
    """What is known of the project beside its series: groups, episodes, and what is in alarm."""
    groups = [
        {
            "scope": scope,
            "gaps": parts.silence.groups.columns[number].tolist(),
            "evidence": parts.failures.evidence[number].tolist(),
            "failures": parts.failures.groups[number].tolist(),
        }
        for number, scope in enumerate(parts.roster.groups)
    ]
    content = {
        "version": STATE_VERSION,
        "looked_s": parts.silence.looked_s,
        "rate_hour": parts.silence.rate_hour,
        "groups": groups,
        "open": [_of_episode(episode) for episode in parts.episodes.open.values()],
        "over": [_of_episode(episode) for episode in parts.episodes.over.values()],
        "muted": [[_of_id(each), mute.until_s, mute.log10_e] for each, mute in parts.episodes.muted.items()],
        "signals": [_of_finding(finding) for finding in parts.signals.values()],
    }
    return zlib.compress(json.dumps(content).encode(), _LEVEL_1)


def restore_project(parts: Parts, state: bytes) -> None:
    """Puts back what `project_state` gave. What belongs to series that are not known is left out."""
    text = _decompressed(state)
    content = json.loads(text) if text else {}
    if content.get("version") != STATE_VERSION:
        raise _unreadable("a project")
    parts.silence.restore_clock(content["looked_s"], content["rate_hour"])
    for group in content["groups"]:
        number = parts.roster.group_number(Scope(*group["scope"]))
        if number is not None:
            parts.silence.groups.columns[number] = group["gaps"]
            parts.failures.evidence[number] = group["evidence"]
            parts.failures.groups[number] = group["failures"]
    known = parts.roster.knows
    for name, episodes in (("open", parts.episodes.open), ("over", parts.episodes.over)):
        for each in content[name]:
            episode = _episode(each, known)
            if episode.lead():
                episodes[episode.anomaly_id] = episode
    parts.episodes.muted.update({_id(each): Mute(until_s, log10_e) for each, until_s, log10_e in content["muted"]})
    findings = [_finding(each) for each in content["signals"]]
    parts.signals.update({finding.id: finding for finding in findings if known(finding.key)})


def _unreadable(what: str) -> AssayError:
    return AssayError(
        Kind.FAILED_PRECONDITION, "STATE_UNREADABLE", f"this is no state of {what} of version {STATE_VERSION}: learn from the history"
    )


def _decompressed(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return b""


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _of_id(each: FindingId) -> list[Any]:
    return [each.key, [_plain(part) for part in each.family]]


def _id(content: list[Any]) -> FindingId:
    return FindingId(SeriesKey(*content[0]), _family(content[1]))


def _family(values: list[int]) -> Family:
    return Family(Form(values[0]), Metric(values[1]), Direction(values[2]))


def _of_finding(finding: Finding) -> Json:
    return {field.name: _plain(getattr(finding, field.name)) for field in fields(Finding)}


def _finding(content: Json) -> Finding:
    return Finding(
        **{
            **content,
            "key": SeriesKey(*content["key"]),
            "kind": AnomalyKind(content["kind"]),
            "metric": Metric(content["metric"]),
            "direction": Direction(content["direction"]),
        }
    )


def _of_episode(episode: Episode) -> Json:
    plain = {field.name: _plain(getattr(episode, field.name)) for field in fields(Episode)}
    return {
        **plain,
        "family": [_plain(part) for part in episode.family],
        "members": [_of_finding(finding) for finding in episode.members.values()],
        "live": [_of_id(each) for each in sorted(episode.live, key=str)],
    }


def _episode(content: Json, known: Callable[[SeriesKey], bool]) -> Episode:
    members = [_finding(each) for each in content["members"]]
    live = {_id(each) for each in content["live"]}
    return Episode(
        **{
            **content,
            "kind": AnomalyKind(content["kind"]),
            "family": _family(content["family"]),
            "scope": Scope(*content["scope"]),
            "severity": Severity(content["severity"]),
            "told_counts": tuple(content["told_counts"]),
            "members": {finding.id: finding for finding in members if known(finding.key)},
            "live": {each for each in live if known(each.key)},
        }
    )
