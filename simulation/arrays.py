"""Names of array types, and tables of equally long columns."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.bytes_]
Array = npt.NDArray[Any]


class Columns:
    """Base of frozen dataclasses whose fields are arrays of one length."""

    def take(self, places: Array) -> Self:
        """The rows at these places, or where a mask is true."""
        return type(self)(**{field.name: getattr(self, field.name)[places] for field in fields(self)})  # type: ignore[arg-type]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The rows of all parts, in order; at least one part."""
        return cls(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)})  # type: ignore[arg-type]
