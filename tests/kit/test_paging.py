"""Page sizes, and tokens that no other query takes."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AssayError, Kind
from kit.paging import TOKEN_LENGTH_MAX, Position, decode_token, encode_token, page_size

positions = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(("requested", "size"), [(0, 100), (1, 1), (100, 100), (1_000, 1_000), (1_001, 1_000)])
def test_a_page_has_a_default_and_a_cap(requested: int, size: int) -> None:
    assert page_size(requested, default=100, maximum=1_000) == size


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(AssayError) as caught:
        page_size(-1, default=100, maximum=1_000)
    assert (caught.value.reason, caught.value.details) == ("FIELD_INVALID", {"field": "page_size"})


@given(st.text(st.characters(codec="utf-8")), positions)
def test_a_token_gives_its_position_back(query: str, position: Position) -> None:
    token = encode_token(query, position)
    assert decode_token(token, query) == position
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_a_token_belongs_to_its_query(query: str, other: str) -> None:
    token = encode_token(query, [1, "a"])
    if query != other:
        assert_invalid(token, other)


def assert_invalid(token: str, query: str = "query") -> None:
    with pytest.raises(AssayError) as caught:
        decode_token(token, query)
    assert (caught.value.kind, caught.value.reason) == (Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
    assert caught.value.details == {"field": "page_token"}


@given(st.text())
def test_garbage_is_no_token(garbage: str) -> None:
    assert_invalid(garbage)


@given(st.binary())
def test_garbage_in_the_right_letters_is_no_token(garbage: bytes) -> None:
    assert_invalid(base64.urlsafe_b64encode(garbage).decode())


@pytest.mark.parametrize(
    "content",
    [b"[" * 1_500, b"{}", b"[]", b'["digest"]', json.dumps(["digest", 1]).encode(), b"9" * 1_400, b'"\\ud800"'],
)
def test_json_that_is_no_token_is_refused(content: bytes) -> None:
    assert_invalid(base64.urlsafe_b64encode(content).decode())


def test_a_token_is_bounded() -> None:
    with pytest.raises(ValueError, match="longer than"):
        encode_token("query", "x" * TOKEN_LENGTH_MAX)
    assert_invalid("A" * (TOKEN_LENGTH_MAX + 1))
