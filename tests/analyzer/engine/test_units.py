"""From the scales of metrics to their units."""

import numpy as np
import pytest

from services.analyzer.domain.evidence.configuration import Scale
from services.analyzer.domain.evidence.units import in_range


@pytest.mark.parametrize(
    ("scale", "cut"),
    [
        (Scale.RATIO, [0.0, 0.5, 1.0]),
        (Scale.MEAN, [0.0, 0.5, 1.0]),
        (Scale.COUNT, [0.0, 0.5, 1.2]),
        (Scale.LOG, [-0.1, 0.5, 1.2]),
    ],
)
def test_an_interval_ends_where_its_scale_does(scale: Scale, cut: list[float]) -> None:
    assert in_range(scale, np.array([-0.1, 0.5, 1.2])).tolist() == cut
