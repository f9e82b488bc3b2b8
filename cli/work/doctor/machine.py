"""The machine: room on the disk of the data directory, who may read the secrets in it, and clocks that disagree."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from cli.work.doctor.finding import Finding, note, ok, trouble, warning
from kit.embedded.datadir import FREE_BYTES_MIN

# Of the disk: below this, there are days left rather than weeks.
FREE_RATIO_MIN = 0.1
# Files of the data directory that are as good as a password.
SECRETS = ("admin.key", "service.key", "receivers.key", "secrets.json")
_OTHERS_MAY_READ = 0o077
# Clocks that are kept by NTP differ by milliseconds. Calls that start 10 minutes after their receipt are refused.
CLOCK_WARNING_S = 2.0
CLOCK_TROUBLE_S = 60.0
_MB = 1_000_000


def look_at_disk(path: Path) -> Finding:
    """How much room there is where the path is, or will be."""
    existing = next(each for each in (path, *path.parents) if each.exists())
    usage = shutil.disk_usage(existing)
    seen = f"{usage.free / _MB:,.0f} MB of {usage.total / _MB:,.0f} MB are free where {path} is"
    if usage.free < FREE_BYTES_MIN:
        return trouble("disk", seen, f"free some: below {FREE_BYTES_MIN / _MB:,.0f} MB `assay up` does not start")
    if usage.free < usage.total * FREE_RATIO_MIN:
        return warning("disk", seen, "free some, keep calls for fewer days (ASSAY_COLLECTOR_CALLS_KEPT_DAYS), or take a larger disk")
    return ok("disk", seen)


def look_at_secrets(data_dir: Path) -> list[Finding]:
    """Whether the owner alone may read what is secret."""
    there = [file for name in SECRETS if (file := data_dir / name).exists()]
    open_to_others = [file for file in there if file.stat().st_mode & _OTHERS_MAY_READ]
    findings = [trouble("secrets", f"others may read {file}", f"chmod 600 {file}, and replace the key in it") for file in open_to_others]
    if there and not findings:
        return [ok("secrets", f"{len(there)} files that their owner alone may read")]
    return findings


def look_at_clock(whose: str, theirs: datetime, before: datetime, after: datetime) -> Finding:
    """How far a clock is from ours, which was read before and after theirs was asked for."""
    ours = before + (after - before) / 2
    difference_s = abs((theirs - ours).total_seconds())
    # The answer may have taken its time: what that can explain is no difference.
    surely_s = max(difference_s - (after - before).total_seconds() / 2, 0.0)
    seen = f"the clock of {whose} differs by {difference_s:.3f} s"
    if surely_s > CLOCK_TROUBLE_S:
        return trouble("clock", seen, "synchronise both machines by NTP: calls are counted at the wrong time, or refused")
    if surely_s > CLOCK_WARNING_S:
        return warning("clock", seen, "synchronise both machines by NTP")
    return ok("clock", seen)


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def unknown_clock(whose: str) -> Finding:
    """A clock that cannot be asked for."""
    return note("clock", f"the clock of {whose} cannot be seen from here")
