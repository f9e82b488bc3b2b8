"""Reports the calls that an agent makes to providers to Assay, without being noticed: `Client` is where to begin."""

import time

from assay_client.call import Call
from assay_client.client import Client
from assay_client.decorator import observed
from assay_client.ids import time_ordered_id
from assay_client.lane import Stats
from assay_client.outcome import Outcome
from assay_client.tags import tagged

__all__ = ["Call", "Client", "Outcome", "Stats", "new_id", "observed", "tagged", "time_ordered_id"]


def new_id() -> str:
    """An id for a call, a task or a piece of evidence, that sorts by the time at which it was made."""
    return time_ordered_id(int(time.time() * 1_000))
