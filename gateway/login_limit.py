"""How often an address may try to log in: guessing a token is hopeless anyway, and this keeps it quiet, too."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from kit.errors import AssayError, Kind

ADDRESSES_MAX = 4096  # remembered at once; past it the one that was seen longest ago starts anew


@dataclass
class LoginLimit:
    """Lets each address try `burst` times at once, and then once in each `interval_s`."""

    burst: int
    interval_s: float
    clock: Callable[[], float]
    _free_at: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def admit(self, address: str) -> None:
        """Counts a try. Raises RESOURCE_EXHAUSTED LOGINS_EXCEEDED, which says when to come back."""
        now = self.clock()
        # The time at which all earlier tries are forgotten (the generic cell rate algorithm).
        free_at = max(self._free_at.get(address, now), now)
        wait_s = free_at - now - (self.burst - 1) * self.interval_s
        if wait_s > 0:
            raise AssayError(Kind.RESOURCE_EXHAUSTED, "LOGINS_EXCEEDED", "too many logins: wait a little", retry_after_s=wait_s)
        self._free_at[address] = free_at + self.interval_s
        self._free_at.move_to_end(address)
        if len(self._free_at) > ADDRESSES_MAX:
            self._free_at.popitem(last=False)
