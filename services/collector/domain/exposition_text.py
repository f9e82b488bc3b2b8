"""Exposition as text: Prometheus' format 0.0.4, and OpenMetrics 1.0."""

from collections.abc import Iterator, Sequence

from services.collector.domain.exposition import FAMILIES, LE_S, Exposed, Family, FamilyKind, Labels

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def text(shown: Exposed) -> str:
    """Prometheus' text format, version 0.0.4."""
    return "".join(_lines(shown, is_open_metrics=False))


def open_metrics(shown: Exposed) -> str:
    """OpenMetrics, version 1.0.0. Bounds are written as there, with a decimal point."""
    return "".join((*_lines(shown, is_open_metrics=True), "# EOF\n"))


def _lines(shown: Exposed, *, is_open_metrics: bool) -> Iterator[str]:
    if not shown.labels:
        return
    labels = [_written(each) for each in shown.labels]
    for family in FAMILIES:
        name = family.name if is_open_metrics else _family_name(family)
        yield f"# HELP {name} {family.help_text}\n# TYPE {name} {family.kind.value}\n"
        if is_open_metrics and family.unit:
            yield f"# UNIT {name} {family.unit}\n"
        if family.kind is FamilyKind.HISTOGRAM:
            yield from _histograms(family, shown, labels)
        else:
            yield from _samples(family, shown, labels)


def _family_name(family: Family) -> str:
    return family.name if family.kind is FamilyKind.HISTOGRAM else family.sample_name


def _samples(family: Family, shown: Exposed, labels: Sequence[str]) -> Iterator[str]:
    for sample in family.samples:
        rest = _after(sample.labels)
        values = shown.values(sample).tolist()
        yield "".join([f"{family.sample_name}{{{own}{rest}}} {value!r}\n" for own, value in zip(labels, values, strict=True)])


def _histograms(family: Family, shown: Exposed, labels: Sequence[str]) -> Iterator[str]:
    """Series without a single duration are left out, but for their name: there are many that never stream."""
    for distribution in family.distributions:
        rest = _after(distribution.labels)
        bounds = [f'{rest},le="{bound!r}"}} ' for bound in LE_S] + [f'{rest},le="+Inf"}} ']
        sums = shown.sums_s(distribution).tolist()
        for own, counts, total_s in zip(labels, shown.classic(distribution).tolist(), sums, strict=True):
            if counts[-1]:
                head = f"{family.name}_bucket{{{own}"
                yield "".join([f"{head}{bound}{count}\n" for bound, count in zip(bounds, counts, strict=True)])
                yield f"{family.name}_sum{{{own}{rest}}} {total_s!r}\n{family.name}_count{{{own}{rest}}} {counts[-1]}\n"


def _written(labels: Labels) -> str:
    return ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels)


def _after(labels: Labels) -> str:
    return f",{_written(labels)}" if labels else ""
