"""What is known of each candidate on a kind of task. Preparing a project takes a while, and is done when its evidence changes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.ranking.drawn import make_draws
from services.analyzer.domain.ranking.evidence import COUNT_MIN, Candidate, Evidence, Observed, Sum, observed
from services.analyzer.domain.ranking.hierarchy import Posterior, Prior, posterior
from services.analyzer.domain.ranking.measures import TRAITS, Measure
from services.analyzer.domain.ranking.parents import Parents, learn_parents
from services.analyzer.domain.ranking.question import USUAL_MEASURES

# A candidate in an incident is not like the others for now: what they do says little of it. It may lie so many typical spreads off.
_INCIDENT_SPREADS = 5.0


@dataclass(frozen=True, slots=True)
class Learnt:
    """One measure over a project: what was seen, and what is believed of each cell by its neighbours (None: they say nothing)."""

    seen: Observed
    parents: Parents | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A project's evidence with all that its questions share. `provider_of`: shape (candidates,), places in `providers`."""

    evidence: Evidence
    providers: tuple[str, ...]
    provider_of: Ints
    usual: Mapping[Measure, Learnt]

    def learnt(self, measure: Measure) -> Learnt:
        """What was learnt of a measure; one that is asked for rarely is learnt now."""
        return self.usual[measure] if measure in self.usual else _learn(self.evidence, self.provider_of, measure)


@dataclass(frozen=True, slots=True)
class Field:
    """All candidates that a kind of task is modelled from, whoever of them may be chosen: more of them say more of each.

    `places`: where they stand in the evidence, -1 for those that it does not know. `task`: the kind's place, or one past the last. The
    other fields have shape (candidates,).
    """

    candidates: tuple[Candidate, ...]
    places: Ints
    task: int
    call_count: Floats
    last_call_s: Floats
    is_in_incident: Bools


def prepare(evidence: Evidence) -> Prepared:
    """Computes what all questions on a project share."""
    make_draws()
    providers, provider_of = np.unique(np.array([each.provider for each in evidence.candidates], str), return_inverse=True)
    usual = {measure: _learn(evidence, provider_of, measure) for measure in USUAL_MEASURES}
    return Prepared(evidence, tuple(providers.tolist()), provider_of, usual)


def field_of(evidence: Evidence, task_type: str, named: tuple[Candidate, ...]) -> Field:
    """The candidates that have served the kind of task, or all where nobody has, and those that are named."""
    task = evidence.task_types.index(task_type) if task_type in evidence.task_types else len(evidence.task_types)
    calls = _column(evidence.sums[Sum.CALLS], task, 0.0)
    served = calls >= COUNT_MIN
    known = [each for each, has in zip(evidence.candidates, served, strict=True) if has or not served.any()]
    candidates = tuple(dict.fromkeys((*known, *named)))
    place_of = {each: place for place, each in enumerate(evidence.candidates)}
    places = np.array([place_of.get(each, -1) for each in candidates], np.int64)
    return Field(
        candidates,
        places,
        task,
        np.append(calls, 0.0)[places],
        np.append(_column(evidence.last_call_s, task, np.nan), np.nan)[places],
        np.array([(each, task_type) in evidence.incidents for each in candidates], bool),
    )


def model(prepared: Prepared, field: Field, measure: Measure, *, sharpening: float = 1.0) -> tuple[Posterior, Floats] | None:
    """What is known of the candidates in a measure, and the decayed count that each one's own evidence is worth.

    None where nobody has evidence of it, here or on other kinds of task. `sharpening`: what would be known with so many times the evidence.
    """
    learnt = prepared.learnt(measure)
    value, precision, count = (np.append(_column(each, field.task, 0.0), 0.0)[field.places] for each in learnt.seen)
    prior = _prior(prepared, field, learnt.parents, TRAITS[measure.metric].typical_spread, is_seen=precision > 0)
    if not precision.any() and not prior.centre_precision:
        return None
    return posterior(value, sharpening * precision, prior).likely(), count


def _learn(evidence: Evidence, provider_of: Ints, measure: Measure) -> Learnt:
    """What goes on in an incident says nothing of how a candidate does elsewhere."""
    seen = observed(evidence, measure)
    usual = seen.precision.copy()
    for candidate, task_type in evidence.incidents:
        usual[evidence.candidates.index(candidate), evidence.task_types.index(task_type)] = 0.0
    return Learnt(seen, learn_parents(seen._replace(precision=usual), provider_of, TRAITS[measure.metric].typical_spread))


def _prior(prepared: Prepared, field: Field, parents: Parents | None, typical_spread: float, is_seen: Bools) -> Prior:
    """Beliefs on the candidates of a field: of the known by their other kinds of task, of new models by their provider.

    In an incident, what has been seen since its onset speaks for itself; what has not is as it was.
    """
    of_incident = np.where(field.is_in_incident & is_seen, (_INCIDENT_SPREADS * typical_spread) ** 2, 0.0)
    if parents is None:
        nothing = np.zeros(len(field.places))
        return Prior(nothing, of_incident, np.array(typical_spread), np.array(0.0), np.array(0.0))
    offset, variance = parents.offset[field.places, field.task], parents.variance[field.places, field.task]
    for place in np.flatnonzero(field.places < 0):
        provider = field.candidates[place].provider
        is_known = provider in prepared.providers
        number = prepared.providers.index(provider) if is_known else 0
        offset[place] = parents.provider_offset[number] if is_known else 0.0
        variance[place] = parents.provider_variance[number] if is_known else parents.unknown_variance
    centre, centre_precision = parents.centre[field.task], parents.centre_precision[field.task]
    return Prior(offset, variance + of_incident, np.array(parents.spread), np.array(centre), np.array(centre_precision))


def _column(table: Floats, task: int, missing: float) -> Floats:
    """A kind of task's column, or one of what is missing."""
    return table[:, task] if task < table.shape[1] else np.full(len(table), missing)
