"""Names of series, and how they fold when a project has too many."""

from collections.abc import Collection, Iterable

SEPARATOR = "\0"
"""Joins the five terms of a name: provider, model, task type, prompt name and prompt version. No term contains it."""
OTHER = "other"
"""Stands for the terms that were folded."""
ALL_OTHER = SEPARATOR.join((OTHER, OTHER, OTHER, "", ""))
"""The series of those whose provider and model were folded, too."""


def without_task_type(name: str) -> str:
    """The series with task type and prompt folded."""
    provider, model, *_ = name.split(SEPARATOR)
    return SEPARATOR.join((provider, model, OTHER, "", ""))


def fold(names: Iterable[str], known: Collection[str], count: int, limit: int) -> dict[str, str]:
    """The series that each new name counts in, of a project that has `count` series, among them those `known`.

    With room it is the name itself. Without, task type and prompt fold into `other`; provider and model stay. Since those can be made up
    without end as well, they fold, too, once there are twice as many series as the limit allows.
    """
    made = set(known)
    targets = {}
    for name in names:
        folded = without_task_type(name)
        if name in made or count < limit:
            target = name
        elif folded in made or count < 2 * limit:
            target = folded
        else:
            target = ALL_OTHER
        count += target not in made
        made.add(target)
        targets[name] = target
    return targets
