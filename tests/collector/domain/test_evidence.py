"""Scores from evaluations."""

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.evidence import Evaluation, Piece, ToldScore, first_of_each, mean_scores, newest_scores

evaluations = st.lists(
    st.builds(
        Evaluation,
        subject=st.sampled_from("ab"),
        evaluator=st.sampled_from("xyz"),
        observe_us=st.integers(0, 3),
        evidence_id=st.uuids().map(str),
        score_nanos=st.integers(0, 10**9),
    ),
    max_size=10,
)


@given(evaluations, st.randoms(use_true_random=False))
def test_the_score_is_the_mean_of_the_newest_of_each_evaluator_in_any_order(given_now: list[Evaluation], choose: object) -> None:
    newest: dict[tuple[str, str], Evaluation] = {}
    for one in sorted(given_now, key=lambda one: (one.observe_us, one.evidence_id)):
        newest[one.subject, one.evaluator] = one
    expected = {}
    for subject in {one.subject for one in given_now}:
        scores = [one.score_nanos for one in newest.values() if one.subject == subject]
        expected[subject] = round(Fraction(sum(scores), len(scores)))
    shuffled = list(given_now)
    choose.shuffle(shuffled)  # type: ignore[attr-defined]
    assert mean_scores(shuffled) == expected


def test_halves_are_rounded_to_even() -> None:
    def score(*nanos: int) -> int:
        return mean_scores(Evaluation("a", str(number), 0, "e", value) for number, value in enumerate(nanos))["a"]

    assert [score(0, 1), score(1, 2), score(2, 3), score(1, 1, 3)] == [0, 2, 2, 2]


def test_a_repeated_piece_is_dropped_within_its_project_alone() -> None:
    def piece(project_id: int, evidence_id: str, call_id: str) -> Piece:
        return Piece(project_id, 0, evidence_id, call_id, "", 0, date(2026, 1, 1), None, None, None, b"")

    pieces = [piece(1, "e", "first"), piece(2, "e", "other"), piece(1, "e", "repeat"), piece(1, "f", "second")]
    assert [one.call_id for one in first_of_each(pieces)] == ["first", "other", "second"]


def test_of_scores_that_are_told_of_one_subject_the_newest_counts() -> None:
    told = [("a", ToldScore(2, 5)), ("a", ToldScore(3, 6)), ("a", ToldScore(1, 7)), ("b", ToldScore(1, 8))]
    assert newest_scores(told) == {"a": ToldScore(3, 6), "b": ToldScore(1, 8)}
