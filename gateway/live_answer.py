"""The answer to a watched question, as texts: changes go in, snapshots for newcomers come out."""

from collections.abc import Iterable
from math import isfinite

from assay.collector.v1.metrics_service_pb2 import MetricSeries, WatchMetricsResponse

from gateway.metrics_json import as_of_text, key_text, series_text, window_texts
from kit.errors import AssayError, Kind

Windows = dict[int, tuple[int, str]]  # by start: end, both seconds since 1970, and the window as JSON


class LiveAnswer:
    """The windows of one question, by series and start.

    Where a question has no step there is one window, whose start moves with the present: then the newest replaces it.
    """

    def __init__(self, range_s: float, *, has_step: bool, windows_max: int) -> None:
        self._range_s = range_s
        self._has_step = has_step
        self._windows_max = windows_max
        self._series: dict[str, Windows] = {}
        self._as_of = "null"
        self._lag_s = 0.0

    def apply(self, response: WatchMetricsResponse, now_unix_s: float) -> str:
        """Takes in an answer or a change of it; returns it as the data of a `metrics` event.

        Raises RANGE_TOO_LARGE when there are more windows than may be kept.
        """
        if response.is_snapshot:
            self._series.clear()
        self._as_of, self._lag_s = as_of_text(response), response.lag_s
        series = [self._merge(one, now_unix_s) for one in response.series]
        if sum(map(len, self._series.values())) > self._windows_max:
            raise AssayError(
                Kind.INVALID_ARGUMENT,
                "RANGE_TOO_LARGE",
                f"more than {self._windows_max} windows: take a larger step, a shorter range or fewer dimensions",
                details={"field": "step"},
            )
        return self._event(series, is_snapshot=response.is_snapshot)

    def snapshot(self, now_unix_s: float) -> str:
        """All windows that still lie in the range, as the data of a `metrics` event."""
        series = []
        for key, windows in self._series.items():
            self._forget_old(windows, now_unix_s)
            if windows:
                series.append(series_text(key, (text for _, text in windows.values())))
        return self._event(series, is_snapshot=True)

    def _merge(self, series: MetricSeries, now_unix_s: float) -> str:
        key, texts = key_text(series.key), window_texts(series.windows)
        windows = self._series.setdefault(key, {})
        if self._has_step:
            self._forget_old(windows, now_unix_s)
        else:
            windows.clear()
        starts, ends = series.windows.start_unix_s, series.windows.end_unix_s
        windows.update(zip(starts, zip(ends, texts, strict=True), strict=True))
        return series_text(key, texts)

    def _forget_old(self, windows: Windows, now_unix_s: float) -> None:
        for start in [start for start, (end, _) in windows.items() if end <= now_unix_s - self._range_s]:
            del windows[start]

    def _event(self, series: Iterable[str], *, is_snapshot: bool) -> str:
        lag_s = repr(self._lag_s) if isfinite(self._lag_s) else "null"
        flag = "true" if is_snapshot else "false"
        return f'{{"is_snapshot":{flag},"as_of":{self._as_of},"lag_s":{lag_s},"series":[{",".join(series)}]}}'
