"""`assay simulate`: a fleet with known truth, into a file or into the running suite."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.db import moment
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption
from cli.replay import speed_of

_PLAN = "Which fleet"
_LIVE = "With --live"
# Plenty of fleets, and a number that one can still write down.
SEED_MAX = 2**31 - 1
RATE_MIN, RATE_MAX = 0.001, 5_000.0


def seconds_of(text: str) -> float:
    """A duration such as 90s or 30d, in seconds. Raises a usage error."""
    units_s = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    try:
        seconds = float(text[:-1]) * units_s[text[-1:]]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise typer.BadParameter("write a number above 0 and a unit, such as 90s, 30m, 12h or 30d")
    return seconds


OutputOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write JSON lines for `assay replay`; compressed if it ends in .gz; `-` prints."),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Record into the running suite as time passes, until Ctrl-C.")]
ListIncidentsOption = Annotated[bool, typer.Option("--list-incidents", help="Print the incidents that there would be, and nothing else.")]
TruthOption = Annotated[Path | None, typer.Option("--truth", metavar="FILE", help="Write what is true: fleet, incidents, what each does.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=SEED_MAX, help="The same seed gives the same fleet.", rich_help_panel=_PLAN)]
RateOption = Annotated[
    float, typer.Option("--rate", min=RATE_MIN, max=RATE_MAX, help="Calls a second, on the average of a week.", rich_help_panel=_PLAN)
]
StartOption = Annotated[
    datetime | None,
    typer.Option(
        "--start", parser=moment, metavar="TIME", help="First instant.", show_default="so that it ends now", rich_help_panel=_PLAN
    ),
]
DurationOption = Annotated[
    float | None,
    typer.Option(
        "--duration", parser=seconds_of, metavar="30m|1d", help="How long.", show_default="1d; live: without an end", rich_help_panel=_PLAN
    ),
]
IncidentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--incident",
        metavar="KIND@OFFSET+DURATION[:NAME=VALUE,…]",
        help="Instead of drawn ones, such as outage@2h+30m:provider=openai,size=0.95. May be repeated.",
        show_default=False,
        rich_help_panel=_PLAN,
    ),
]
IncidentEveryOption = Annotated[
    float | None,
    typer.Option(
        "--incident-every",
        parser=seconds_of,
        metavar="2h|1d",
        help="Draw one incident in each such time.",
        show_default="an eighth of the duration; live: 1h",
        rich_help_panel=_PLAN,
    ),
]
NoIncidentsOption = Annotated[bool, typer.Option("--no-incidents", help="Let nothing go wrong on purpose.", rich_help_panel=_PLAN)]
SpeedOption = Annotated[
    float, typer.Option("--speed", parser=speed_of, metavar="real|N", help="N times as fast as time passes.", rich_help_panel=_LIVE)
]
HistoryOption = Annotated[
    float | None,
    typer.Option(
        "--history",
        parser=seconds_of,
        metavar="30d",
        help="Record this much of the past first, as fast as it goes.",
        show_default="none",
        rich_help_panel=_LIVE,
    ),
]


def simulate(
    *,
    output: OutputOption = None,
    live: LiveOption = False,
    list_incidents: ListIncidentsOption = False,
    truth: TruthOption = None,
    seed: SeedOption = 1,
    rate: RateOption = 1.0,
    start: StartOption = None,
    duration: DurationOption = None,
    incident: IncidentOption = None,
    incident_every: IncidentEveryOption = None,
    no_incidents: NoIncidentsOption = False,
    speed: SpeedOption = 1.0,
    history: HistoryOption = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Simulate a fleet whose truth is known.

    It makes calls, evidence, and incidents of known kind, time and size, into a file or into the running suite. The same
    seed, rate, start and incidents give the same calls to the byte; docs/simulation.md tells what they are like.
    """
    if (output is not None) + live + list_incidents != 1:
        raise typer.BadParameter("choose one of --output, --live and --list-incidents")
    if incident and (no_incidents or incident_every is not None):
        raise typer.BadParameter("goes with neither --no-incidents nor --incident-every", param_hint="--incident")
    if live and start is not None:
        raise typer.BadParameter("a live simulation starts now", param_hint="--start")
    if not live and (history is not None or speed != 1.0):
        raise typer.BadParameter("needs --live", param_hint="--history, --speed")
    from cli.work import connection, simulate_file, simulate_live
    from cli.work.simulate import Wish, show_incidents

    wish = Wish(seed, rate, start, duration, tuple(incident or ()), incident_every, no_incidents)
    if live:
        target = connection.find(data_dir, url, key)
        simulate_live.run_live(target, wish, simulate_live.Pace(speed, history), project, truth, json=json)
    elif output is not None:
        simulate_file.write_file(wish, output, truth, json=json)
    else:
        show_incidents(wish, json=json)
