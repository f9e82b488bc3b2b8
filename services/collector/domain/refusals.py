"""Why an item of a batch is refused, and the record of the first fault of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


class Reason(Enum):
    """What is wrong with an item; the names of the contract's RejectionReason."""

    MISSING = "MISSING"
    TOO_LONG = "TOO_LONG"
    INVALID_TEXT = "INVALID_TEXT"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    INCONSISTENT = "INCONSISTENT"
    UNKNOWN_VALUE = "UNKNOWN_VALUE"
    MALFORMED = "MALFORMED"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: the field by its path in the contract, the reason for programs, the message for people."""

    field: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that is refused, by its place in the batch from 0, and why."""

    index: int
    fault: Fault


class Faults:
    """The first fault of each item of a batch: a later one of the same item is not kept."""

    def __init__(self, item_count: int) -> None:
        self._found: list[Fault] = []
        self._number_of_item = np.zeros(item_count, np.int32)  # 1 + place in `_found`, 0 for none

    def add(self, at: BoolArray, field: str, reason: Reason, message: str) -> None:
        """Notes a fault of the items where `at`, of shape (items,), is true."""
        if np.count_nonzero(at):  # several times as fast as at.any()
            self._found.append(Fault(field, reason, message))
            self._number_of_item[at & self.is_sound] = len(self._found)

    def add_each(self, fault_of_item: Mapping[int, Fault]) -> None:
        """Notes faults of items by their place."""
        for index, fault in fault_of_item.items():
            if self._number_of_item[index] == 0:
                self._found.append(fault)
                self._number_of_item[index] = len(self._found)

    def add_values(self, index: npt.NDArray[np.int32], fault_of_value: Mapping[int, Fault]) -> None:
        """Notes faults of values for all items that have them: `index`, of shape (items,), is -1 for no value."""
        if fault_of_value:
            number_of_value = np.zeros(int(index.max()) + 2, np.int32)  # the last is for -1
            for value, fault in fault_of_value.items():
                self._found.append(fault)
                number_of_value[value] = len(self._found)
            numbers = number_of_value[index]
            self._number_of_item = np.where(self.is_sound, numbers, self._number_of_item)

    @property
    def is_sound(self) -> BoolArray:
        """Which items have no fault, shape (items,)."""
        is_sound: BoolArray = self._number_of_item == 0
        return is_sound

    def refusals(self) -> list[Refusal]:
        """The items with a fault, in their order."""
        if not self._found:
            return []
        faulty = np.flatnonzero(self._number_of_item)
        numbers = self._number_of_item[faulty].tolist()
        return [Refusal(index, self._found[number - 1]) for index, number in zip(faulty.tolist(), numbers, strict=True)]
