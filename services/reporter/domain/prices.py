"""What each model's tokens cost, from what calls cost: by it a price that rose is told from prompts that grew."""

from collections.abc import Hashable
from typing import Final, NamedTuple, TypeVar

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import Grid
from services.reporter.domain.period_data import SeriesKey, Sum

_Cell = TypeVar("_Cell", bound=Hashable)


class Model(NamedTuple):
    """Whose price list it is."""

    provider: str
    model: str


# Input that was not read from the cache or written to it, reads, writes, output; what they cost by the first, in usual price lists.
TOKEN_CLASSES: Final = 4
_USUAL_RATIOS: Final = np.array([1.0, 0.1, 1.25, 5.0])
# The usual ratios count as much as windows of so small a share of all tokens: they decide alone what the windows leave open.
_USUAL_WEIGHT = 1e-8


def model_of(key: SeriesKey) -> Model:
    """The model that serves a series."""
    return Model(key.provider, key.model)


def token_classes(sums: Floats) -> Floats:
    """Tokens by what they are priced at, shape (classes, …), from sums, shape (sums, …)."""
    read, written = sums[Sum.CACHE_READ_TOKENS], sums[Sum.CACHE_WRITE_TOKENS]
    fresh = np.maximum(sums[Sum.INPUT_TOKENS] - read - written, 0.0)
    return np.stack([fresh, read, written, sums[Sum.OUTPUT_TOKENS]])


def fitted_prices(grid: Grid[SeriesKey], block: int) -> dict[Model, Floats]:
    """US dollars a token by class for each model with calls in a block, by least squares over its windows.

    Ridge regression towards the usual ratios, scaled to the model's own level. Costs are sums of tokens by prices, so that the fit is
    exact where tokens vary; calls of unknown cost are few or the model is left out.
    """
    tokens = token_classes(grid.sums)[:, :, block]
    cost, calls = grid.sums[Sum.COST_USD, :, block], grid.sums[Sum.CALLS, :, block]
    unknown = grid.sums[Sum.COST_UNKNOWN, :, block]
    cells: dict[Model, list[int]] = {}
    for place, key in enumerate(grid.cells):
        cells.setdefault(model_of(key), []).append(place)
    prices = {}
    for model, places in cells.items():
        used = tokens[:, places].reshape(TOKEN_CLASSES, -1)
        paid = cost[places].ravel()
        if paid.sum() > 0 and used.sum() > 0 and unknown[places].sum() == 0 and calls[places].sum() > 0:
            prices[model] = _fit(used, paid)
    return prices


def _fit(tokens: Floats, cost: Floats) -> Floats:
    usual = _USUAL_RATIOS * cost.sum() / (_USUAL_RATIOS @ tokens.sum(1))
    # In units of the usual prices, so that all four coefficients are about 1.
    scaled = tokens * usual[:, None]
    gram = scaled @ scaled.T
    ridge = _USUAL_WEIGHT * np.trace(gram) * np.eye(TOKEN_CLASSES)
    factor: Floats = np.linalg.solve(gram + ridge, scaled @ cost + ridge @ np.ones(TOKEN_CLASSES))
    # No price is below nothing; where the fit says so, the windows do not tell the classes apart.
    result: Floats = usual if (factor < 0).any() else usual * factor
    return result
