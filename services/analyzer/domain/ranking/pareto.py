"""Who is beaten in nothing that counts."""

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats


def pareto_front(costs: Floats) -> Bools:
    """Which rows are on the front, from values of shape (rows, criteria) where less is better (take the negative of what should be more).

    A row is off the front if another one is at most equal in all criteria and less in one; equal rows are on it together. Rows with a NaN
    are off it, and beat nobody.
    """
    is_whole = ~np.isnan(costs).any(1)
    rows = costs[is_whole]
    at_most = (rows[:, None] <= rows[None]).all(2)
    less = (rows[:, None] < rows[None]).any(2)
    front = np.zeros(len(costs), bool)
    front[is_whole] = ~(at_most & less).any(0)
    return front
