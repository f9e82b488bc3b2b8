"""Prices received calls: which columns decide what a call costs."""

from typing import NamedTuple, Protocol

from services.collector.domain.arrays import Ints
from services.collector.domain.price import CallColumns, PricedColumns, PriceTable, price_columns
from services.collector.domain.received import ReceivedCalls


class VersionedPriceTable(PriceTable, Protocol):
    """A price table that can be named."""

    @property
    def version(self) -> str:
        """What is kept with each call that was priced by it."""


class ModelNames(NamedTuple):
    """The distinct (provider, model) pairs of a batch, and each call's place among them, shape (calls,)."""

    pairs: list[tuple[str, str]]
    pair: Ints


def model_names(calls: ReceivedCalls) -> ModelNames:
    """Whose prices a batch needs; the calls are checked, so that their texts are valid."""
    places: dict[tuple[bytes, bytes], int] = {}
    pair_of_series = [places.setdefault(key[:2], len(places)) for key in calls.series.distinct]
    pairs = [(provider.decode(), model.decode()) for provider, model in places]
    return ModelNames(pairs, calls.series.of_calls(pair_of_series))


def price_calls(table: PriceTable, calls: ReceivedCalls, names: ModelNames) -> PricedColumns:
    """What each call costs and who said so."""
    columns = CallColumns(
        pair=names.pair,
        start_us=calls.start.microseconds,
        tokens=calls.tokens,
        has_caller_cost=calls.has_cost,
        caller_cost_nanos=calls.cost_usd_nanos,
        outcome=calls.outcome,
    )
    return price_columns(table, names.pairs, columns)
