"""Runs processes as a whole: started in stages, restarted when they die, stopped in reverse order."""

from kit.supervisor.child import ChildSpec, RunAs
from kit.supervisor.policy import ORDINARY_RESTARTS, RestartPolicy
from kit.supervisor.supervisor import StopRequested, Supervisor

__all__ = ["ORDINARY_RESTARTS", "ChildSpec", "RestartPolicy", "RunAs", "StopRequested", "Supervisor"]
