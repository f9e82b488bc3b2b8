"""What a series is, and a scope: a series, or all series that agree in what is named."""

from typing import NamedTuple


class SeriesKey(NamedTuple):
    """What calls are kept apart by within a project. "" is a value like any other: calls without a prompt are a series of their own."""

    provider: str
    model: str
    task_type: str
    prompt_name: str
    prompt_version: str


class Scope(NamedTuple):
    """Whom something concerns: None stands for all. All None is the whole project."""

    provider: str | None = None
    model: str | None = None
    task_type: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None

    def contains(self, key: SeriesKey) -> bool:
        """Whether the series is within."""
        return all(mine is None or mine == its for mine, its in zip(self, key, strict=True))

    def covers(self, other: "Scope") -> bool:
        """Whether every series of the other scope is within this one."""
        return all(mine is None or mine == its for mine, its in zip(self, other, strict=True))

    @property
    def is_series(self) -> bool:
        """Whether it is one series."""
        return None not in self


def scope_of(key: SeriesKey) -> Scope:
    """The scope that is this series alone."""
    return Scope(*key)
