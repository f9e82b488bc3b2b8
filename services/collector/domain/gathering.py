"""Adds up windows that come in parts, without ever holding many times what they add up to."""

from services.collector.domain.rollup import Windows, merge

# Entries of histograms that are kept before they are added up: 75 MB.
ENTRIES_MAX = 3_000_000


class Gathering:
    """The sum of the windows that were added. Parts are kept as they come until they have ENTRIES_MAX entries together."""

    def __init__(self) -> None:
        self._parts: list[Windows] = []
        self._merge_from = ENTRIES_MAX

    def add(self, windows: Windows) -> None:
        """Adds windows, which are as `merge` leaves them."""
        if not len(windows):
            return
        self._parts.append(windows)
        if sum(part.entry_row.size + len(part) for part in self._parts) > self._merge_from:
            self._parts = [merge(self._parts)]
            # So that what does not become less is not added up over and over.
            self._merge_from = max(ENTRIES_MAX, 2 * (self._parts[0].entry_row.size + len(self._parts[0])))

    def total(self) -> Windows:
        """All that was added."""
        return merge(self._parts)
