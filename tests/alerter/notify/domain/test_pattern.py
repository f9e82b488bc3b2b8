"""Patterns: what they match, what is refused, and that none takes long."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.domain.notification.pattern import POSITION_COUNT_MAX, STEPS_REMEMBERED_MAX, Pattern, PatternError

_ATOMS = st.sampled_from(
    ["a", "b", "-", r"\.", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"[\d-]", r"[\w.]", "[]a]"]
)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifiers = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, quantifiers).map(lambda two: f"(?:{two[0]}){two[1]}"),
    )


@given(st.recursive(_ATOMS, _combined, max_leaves=8), st.text("ab.c-1 é", max_size=8))
def test_a_pattern_matches_what_pythons_own_would(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text) is (re.fullmatch(pattern, text, re.ASCII | re.DOTALL) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("", "", True),
        ("", "a", False),
        ("^gpt-.*$", "gpt-5", True),
        (r"costs \$", "costs $", True),
        ("a|", "", True),
        ("()", "", True),
        (r"a\nb\tc\r", "a\nb\tc\r", True),
        ("[a-]", "-", True),
        ("[-a]+", "-a-", True),
        ("ab*?".replace("?", ""), "abbb", True),
    ],
)
def test_a_pattern_matches_whole_texts(pattern: str, text: str, is_match: bool) -> None:
    assert Pattern(pattern).matches(text) is is_match


@pytest.mark.parametrize(
    "pattern",
    ["a" * 257, "(" * 30 + ")" * 30, "a{101}", "(a{100}){100}", "a{2", "a{2,1}", "a{x}", "a{,3}", "a**", "a+?", "*a", "(a", "a)", "[a", "[",
     "a\\",
     "(?=a)", "(?P<x>a)", r"(a)\1", r"\b", "[b-a]", r"[\d-z]", r"[\D]", "a^b", "a$b", "{", "}", "]", "a{1,2,3}", "a{1234567}"],
)  # fmt: skip
def test_what_is_no_pattern_is_refused_with_a_sentence(pattern: str) -> None:
    with pytest.raises(PatternError) as refused:
        Pattern(pattern)
    assert str(refused.value)


def test_the_steps_of_a_match_are_as_many_as_the_text_is_long_however_wicked_the_pattern() -> None:
    wicked = Pattern("(a|a)*(a*)*b")  # takes a backtracking matcher 2^1000 steps
    assert not wicked.matches("a" * 1_000)
    assert wicked.matches("a" * 1_000 + "b")
    assert len(wicked._steps) <= 6


def test_remembered_steps_are_bounded() -> None:
    pattern = Pattern(".*x")
    assert not pattern.matches("".join(map(chr, range(256, 256 + STEPS_REMEMBERED_MAX + 50))))
    assert len(pattern._steps) <= STEPS_REMEMBERED_MAX


def test_repeats_are_written_out_up_to_a_limit() -> None:
    assert Pattern("a{100}").matches("a" * 100)
    with pytest.raises(PatternError, match=str(POSITION_COUNT_MAX)):
        Pattern("(abcdef){100}")
