"""When which project is evaluated: projects become known, are owned by one replica at a time, and are looked at when something can have
changed."""

import asyncio
import time
from math import inf
from typing import Any

from kit import logs, patience
from kit.errors import AssayError
from services.alerter.evaluation import Evaluation, Tools
from services.alerter.neighbours import ProjectSeen
from services.alerter.projects import Projects

_log = logs.get_logger(__name__)

# What a replica owns is another's so long after it was killed, and a round later: within 15 s.
LEASE_S = 10.0
ROUND_S = 3.0
# Evaluations wait mostly for the collector; more at a time would only wait there.
EVALUATIONS_AT_ONCE = 4
# Changes that follow each other closely, as the parts of one incident, are looked at together.
NUDGE_DELAY_S = 0.5


class Schedule:
    """Evaluates the projects that this replica owns."""

    def __init__(self, tools: Tools, projects: Projects, every_s: float) -> None:
        self._tools = tools
        self._projects = projects
        self._every_s = every_s
        self._known: dict[str, ProjectSeen] = {}
        self._evaluations: dict[str, Evaluation] = {}
        self._evaluated_s: dict[str, float] = {}
        self._due_s: dict[str, float] = {}
        self._nudged = asyncio.Event()
        tools.news.tell(self.hear)

    def nudge(self, project: str) -> None:
        """Has a project evaluated soon."""
        self._put_forward(project, time.monotonic() + NUDGE_DELAY_S)

    def hear(self, project: str | None) -> None:
        """Has a project of which windows have changed, or each of them for None, evaluated when it is its turn."""
        for each in list(self._due_s) if project is None else [project]:
            turn_s = self._evaluated_s.get(each, -inf) + self._every_s
            self._put_forward(each, max(time.monotonic() + NUDGE_DELAY_S, turn_s))

    def _put_forward(self, project: str, until_s: float) -> None:
        if until_s < self._due_s.get(project, -inf):
            self._due_s[project] = until_s
            self._nudged.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop, and then gives up what it owns."""
        claiming = asyncio.create_task(self._keep_claiming(stop))
        try:
            while not stop.is_set():
                await self._evaluate_due()
                await self._wait(stop)
                if claiming.done():
                    await claiming
        finally:
            claiming.cancel()
            await asyncio.wait([claiming])
            if self._tools.anomalies is not None:
                await self._tools.anomalies.close()
            await self._passing("leases are given up", self._tools.leases.release)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Until something is due, something was nudged, or a round has passed."""
        next_s = min(self._due_s.values(), default=time.monotonic() + ROUND_S)
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._nudged.wait())]
        try:
            pause_s = min(max(next_s - time.monotonic(), 0.0), ROUND_S)
            await asyncio.wait(waits, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._nudged.clear()

    async def _keep_claiming(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._passing("projects are claimed", self._claim)
            await patience.pause(stop, ROUND_S)

    async def _claim(self) -> None:
        """Learns of projects, extends the leases of ours, and takes those of nobody."""
        try:
            self._known = await self._projects.look()
        except AssayError as error:
            _log.warning("the collector cannot be asked for its projects", reason=error.reason, why=error.message)
        owned = await self._tools.leases.claim(list(self._known), LEASE_S)
        for project, generation in owned.items():
            if project in self._evaluations:
                if self._evaluations[project].seen(self._known[project], generation):
                    self.hear(project)
                continue
            self._evaluations[project] = Evaluation(self._tools, self._known[project])
            self._due_s[project] = time.monotonic()
            self._nudged.set()
        for project in self._evaluations.keys() - owned.keys():
            self.nudge(project)  # it is asked whether it is ours still
        if self._tools.anomalies is not None:
            self._tools.anomalies.watch(self._evaluations, self.nudge)

    async def _evaluate_due(self) -> None:
        now_s = time.monotonic()
        due = [project for project, due_s in self._due_s.items() if due_s <= now_s]
        turns = asyncio.Semaphore(EVALUATIONS_AT_ONCE)
        await asyncio.gather(*(self._evaluate(project, turns) for project in due))

    async def _evaluate(self, project: str, turns: asyncio.Semaphore) -> None:
        async with turns:
            began_s = self._evaluated_s[project] = time.monotonic()
            self._due_s[project] = inf
            pause_s: float | None = 0.0
            try:
                pause_s = await self._evaluations[project].evaluate()
            except Exception as error:  # noqa: BLE001 - what is wrong with one project must not hold up the others
                if patience.is_passing(error):
                    _log.warning("an evaluation waits for the database", project=project, why=str(error) or repr(error))
                else:
                    _log.error("an evaluation failed", project=project, error=error)
                    self._evaluations[project] = Evaluation(self._tools, self._known[project])
            if pause_s is None:
                _log.info("another replica evaluates the project by now", project=project)
                del self._evaluations[project], self._due_s[project], self._evaluated_s[project]
            else:
                self._put_forward(project, max(began_s + self._every_s, time.monotonic() + pause_s))

    async def _passing(self, what: str, attempt: Any) -> None:
        try:
            await attempt()
        except Exception as error:
            if not patience.is_passing(error):
                raise
            _log.warning("the database is away", while_=what, why=str(error) or repr(error))
