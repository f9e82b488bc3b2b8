"""How names of series fold when there are too many."""

from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.series import ALL_OTHER, fold, without_task_type


def name(provider: str, model: str, task_type: str = "t", prompt: str = "p", version: str = "1") -> str:
    return "\0".join((provider, model, task_type, prompt, version))


A, B, C = name("x", "m", "a"), name("x", "m", "b"), name("y", "m", "c")
FOLDED_X, FOLDED_Y = "x\0m\0other\0\0", "y\0m\0other\0\0"


def test_task_type_and_prompt_fold_and_provider_and_model_stay() -> None:
    assert without_task_type(A) == FOLDED_X


def test_with_room_a_name_is_itself() -> None:
    assert fold([A, B, C], (), 0, 3) == {A: A, B: B, C: C}


def test_without_room_names_fold_into_as_few_series_as_they_have_models() -> None:
    assert fold([A, B, C], (), 1, 2) == {A: A, B: FOLDED_X, C: FOLDED_Y}
    many = [name("x", "m", f"t-{number}") for number in range(1_000)]
    assert set(fold([*many, C], (), 10, 10).values()) == {FOLDED_X, FOLDED_Y}


def test_past_twice_the_limit_models_fold_too_but_into_known_ones_first() -> None:
    assert fold([A, C], {FOLDED_Y}, 4, 2) == {A: ALL_OTHER, C: FOLDED_Y}
    assert fold([A, name("z", "m")], (), 3, 2) == {A: FOLDED_X, name("z", "m"): ALL_OTHER}


def test_a_name_that_another_has_folded_into_is_known() -> None:
    assert fold([A, FOLDED_X], (), 2, 2) == {A: FOLDED_X, FOLDED_X: FOLDED_X}


@given(st.lists(st.tuples(*[st.sampled_from("abcdef")] * 3), max_size=60, unique=True), st.integers(1, 5), st.integers(0, 12))
def test_there_are_never_more_series_than_twice_the_limit_and_one(terms: list[tuple[str, str, str]], limit: int, count: int) -> None:
    targets = fold([name(*three) for three in terms], (), count, limit)
    assert count + len(set(targets.values())) <= max(2 * limit, count) + 1
    for given_name, target in targets.items():
        assert target in {given_name, without_task_type(given_name), ALL_OTHER}
