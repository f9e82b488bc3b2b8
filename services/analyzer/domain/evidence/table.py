"""Arrays over series that grow together and whose rows can be taken out and put back as bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_CAPACITY_MIN = 64


class Table:
    """Base of what is kept for each series. Subclasses declare arrays by `_column`; their order is part of the state's layout."""

    def __init__(self) -> None:
        self._fills: dict[str, float] = {}
        self._capacity = _CAPACITY_MIN

    def _column(self, name: str, kind: npt.DTypeLike, *shape: int, fill: float = 0) -> None:
        self._fills[name] = fill
        setattr(self, name, np.full((self._capacity, *shape), fill, kind))

    def grow(self, row_count: int) -> None:
        """Makes room for so many rows; new ones are as at the start."""
        if row_count <= self._capacity:
            return
        capacity = max(row_count, 2 * self._capacity)
        for name, fill in self._fills.items():
            old: npt.NDArray[Any] = getattr(self, name)
            new = np.full((capacity, *old.shape[1:]), fill, old.dtype)
            new[: self._capacity] = old
            setattr(self, name, new)
        self._capacity = capacity

    @property
    def row_bytes(self) -> int:
        """Size of a row's state."""
        arrays: list[npt.NDArray[Any]] = [getattr(self, name) for name in self._fills]
        return sum(array[0].nbytes for array in arrays)

    def row_state(self, row: int) -> bytes:
        """What is kept of one row."""
        arrays: list[npt.NDArray[Any]] = [getattr(self, name) for name in self._fills]
        return b"".join(array[row].tobytes() for array in arrays)

    def restore_row(self, row: int, state: bytes) -> None:
        """Puts back what `row_state` gave."""
        place = 0
        for name in self._fills:
            array: npt.NDArray[Any] = getattr(self, name)
            size = array[row].nbytes
            array[row] = np.frombuffer(state[place : place + size], array.dtype).reshape(array.shape[1:])
            place += size
