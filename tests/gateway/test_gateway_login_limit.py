"""How often an address may try to log in."""

import pytest

from gateway.login_limit import ADDRESSES_MAX, LoginLimit
from kit.errors import AssayError


def test_a_burst_is_let_through_and_then_one_in_each_interval() -> None:
    now_s = 0.0
    limit = LoginLimit(burst=3, interval_s=10, clock=lambda: now_s)

    for _ in range(3):
        limit.admit("a")
    with pytest.raises(AssayError) as refusal:
        limit.admit("a")
    assert refusal.value.retry_after_s == 10
    limit.admit("b")
    now_s = 10.0
    limit.admit("a")
    with pytest.raises(AssayError):
        limit.admit("a")
    now_s = 1_000.0
    for _ in range(3):
        limit.admit("a")


def test_no_more_than_so_many_addresses_are_remembered() -> None:
    limit = LoginLimit(burst=1, interval_s=10, clock=lambda: 0.0)
    limit.admit("first")

    for number in range(ADDRESSES_MAX):
        limit.admit(str(number))

    limit.admit("first")
    with pytest.raises(AssayError):
        limit.admit(str(ADDRESSES_MAX - 1))
