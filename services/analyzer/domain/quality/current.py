"""Which readings still hold: of each source, the newest."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.analyzer.domain.quality.reading import Component, Reading


@dataclass(frozen=True, slots=True)
class Observed:
    """What was read from one piece of evidence, and when that was observed."""

    observe_time_us: int
    readings: tuple[Reading, ...]


def current_readings(pieces: Iterable[Observed]) -> list[Reading]:
    """The readings of the newest pieces of each component and source, in the order given.

    Pieces observed at the same moment belong together (a run's several reports, the files of one change) and all count. What could not be
    read takes the place of nothing.
    """
    kept: dict[tuple[Component, str], tuple[int, list[Reading]]] = {}
    unread: list[Reading] = []
    for piece in pieces:
        for reading in piece.readings:
            if reading.missing_reason:
                unread.append(reading)
                continue
            key = (reading.component, reading.source)
            newest, readings = kept.get(key, (piece.observe_time_us, []))
            if piece.observe_time_us > newest:
                newest, readings = piece.observe_time_us, []
            if piece.observe_time_us == newest:
                readings.append(reading)
            kept[key] = (newest, readings)
    return [reading for _, readings in kept.values() for reading in readings] + unread
