"""Names of series, and how they fold when a project has too many."""

SEPARATOR = "\0"
"""Joins the five terms of a name: provider, model, task type, prompt name and prompt version. No term contains it."""
OTHER = "other"
"""Stands for the terms that were folded."""


def folded(name: str, place: int, room: int, limit: int) -> str:
    """The series that a new name counts in, being the one at `place` (from 0) of the new names of a project that has `room` for more.

    With room it is the name itself. Without, task type and prompt fold into `other`, provider and model stay. Since those can be made up
    without end as well, they fold too once there are twice as many series as the limit allows.
    """
    if place < room:
        return name
    provider, model, *_ = name.split(SEPARATOR)
    if place < room + limit:
        return SEPARATOR.join((provider, model, OTHER, "", ""))
    return SEPARATOR.join((OTHER, OTHER, OTHER, "", ""))
