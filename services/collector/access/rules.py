"""What a project and a key may look like, and who may give or take which roles."""

import functools
import unicodedata
import zoneinfo
from collections.abc import Iterable, Mapping
from datetime import timedelta

from kit.access import PROJECT_PATTERN, Identity, Role
from kit.errors import invalid
from kit.open_streams import STREAMS_PER_PROJECT_MAX

SERIES_LIMIT_DEFAULT = 10_000
SERIES_LIMIT_MAX = 1_000_000
DISPLAY_NAME_BYTES_MAX = 128
# Of each limit of a quota; nobody sends a thousand million calls a second, and of streams a front grants a project no more than this.
QUOTA_MAX = {"calls_per_s_limit": 1_000_000_000, "calls_burst_limit": 1_000_000_000, "open_streams_limit": STREAMS_PER_PROJECT_MAX}
LIFETIME_S_MAX = 3653 * 86_400  # ten years; a key that shall live longer is one without an end


def check_project(project: str) -> str:
    """The project's id as given. Raises FIELD_INVALID."""
    if not PROJECT_PATTERN.fullmatch(project):
        raise invalid("project", "use 1 to 32 of a-z, 0-9 and -")
    return project


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def check_time_zone(time_zone: str) -> str:
    """The zone as given, an exact IANA name. Raises FIELD_INVALID."""
    if time_zone not in _zones():
        raise invalid("time_zone", "use a name of the IANA time zone database, such as Europe/Berlin")
    return time_zone


def check_series_limit(series_limit: int) -> int:
    """The limit as given. Raises FIELD_INVALID."""
    if not 1 <= series_limit <= SERIES_LIMIT_MAX:
        raise invalid("series_limit", f"use 1 to {SERIES_LIMIT_MAX:,}")
    return series_limit


def check_quota(limits: Mapping[str, int]) -> Mapping[str, int]:
    """Limits by their fields' names, as given; 0 is none. Raises FIELD_INVALID."""
    for field, limit in limits.items():
        if not 0 <= limit <= QUOTA_MAX[field]:
            raise invalid(field, f"use 0 (no limit of its own) to {QUOTA_MAX[field]:,}")
    return limits


def check_display_name(display_name: str) -> str:
    """The name as given. Raises FIELD_INVALID; terminals and PostgreSQL are spared control characters."""
    if len(display_name.encode()) > DISPLAY_NAME_BYTES_MAX:
        raise invalid("display_name", f"use at most {DISPLAY_NAME_BYTES_MAX} bytes")
    if any(unicodedata.category(character) == "Cc" for character in display_name):
        raise invalid("display_name", "leave out control characters")
    return display_name


def check_lifetime(seconds: int) -> timedelta:
    """A key's lifetime, of whole seconds. Raises FIELD_INVALID."""
    if not 1 <= seconds <= LIFETIME_S_MAX:
        raise invalid("lifetime", "use 1 s to ten years")
    return timedelta(seconds=seconds)


def check_grant(giver: Identity, project: str | None, roles: Iterable[Role]) -> frozenset[Role]:
    """The roles of a new key in `project` (None: the installation), given by `giver`.

    Raises ROLE_MISSING for a role that the giver lacks, FIELD_INVALID for none at all and for the installation's admin
    in a project's key.
    """
    granted = frozenset(roles)
    if not granted:
        raise invalid("roles", "give at least one")
    check_reach(giver, granted)
    if project is not None and Role.INSTALLATION_ADMIN in granted:
        raise invalid("roles", "a project's key cannot administer the installation")
    return granted


def check_reach(caller: Identity, roles: Iterable[Role]) -> None:
    """Raises ROLE_MISSING unless the caller has all these roles: nobody gives or takes what they lack themselves."""
    for role in roles:
        caller.require(role)
