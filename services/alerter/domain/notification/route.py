"""The tree of routes: who is told of an alert, together with what, and how often."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kit.errors import invalid
from services.alerter.domain.notification.matcher import MATCHERS_MAX, Matcher, all_match

ROUTES_MAX = 500  # in a tree; each alert is tried on each
DEPTH_MAX = 10
GROUP_BY_MAX = 16
GROUP_BY_ALL = "..."  # every label: each alert is a group of its own, as Alertmanager has it

DEFAULT_RECEIVER = "default"
DEFAULT_GROUP_BY = ("alertname", "provider")
# Short, so that the first word of trouble is out within seconds. What comes later waits for the interval: a storm stays few messages.
DEFAULT_GROUP_WAIT_S = 2.0
DEFAULT_GROUP_INTERVAL_S = 300.0
DEFAULT_REPEAT_INTERVAL_S = 4 * 3_600.0
DEFAULT_REPEAT_FACTOR_MAX = 8.0  # 4 h, 8 h, 16 h, and from then on every 32 h

GROUP_WAIT_MAX_S = 3_600.0
GROUP_INTERVAL_MIN_S, GROUP_INTERVAL_MAX_S = 60.0, 86_400.0  # the storm's bound, 20 messages a minute, rests on the smallest interval
REPEAT_INTERVAL_MIN_S, REPEAT_INTERVAL_MAX_S = 60.0, 30 * 86_400.0
REPEAT_FACTOR_MAX = 1_024.0


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree. What is None is as its parent has it; the root's None is the default.

    An alert belongs to the first child that matches, and on to the next ones if that one `continues`; to the node itself if no child
    matches. `receiver` empty: as the parent; so is `escalation_policy`. Mute times are the node's own alone.
    """

    matchers: tuple[Matcher, ...] = ()
    receiver: str = ""
    group_by: tuple[str, ...] | None = None
    group_wait_s: float | None = None
    group_interval_s: float | None = None
    repeat_interval_s: float | None = None
    repeat_factor_max: float | None = None
    mute_times: tuple[str, ...] = ()
    escalation_policy: str = ""
    continues: bool = False
    routes: tuple["Route", ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """A route with all that it inherits. `route_id` stays while the matchers on the way to it do."""

    route_id: str
    receiver: str
    group_by: tuple[str, ...] = DEFAULT_GROUP_BY
    group_wait_s: float = DEFAULT_GROUP_WAIT_S
    group_interval_s: float = DEFAULT_GROUP_INTERVAL_S
    repeat_interval_s: float = DEFAULT_REPEAT_INTERVAL_S
    repeat_factor_max: float = DEFAULT_REPEAT_FACTOR_MAX
    mute_times: tuple[str, ...] = ()
    escalation_policy: str = ""

    def group_labels(self, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The labels that an alert shares with its group, by name as `group_by` has them."""
        if self.group_by == (GROUP_BY_ALL,):
            return tuple(sorted(labels.items()))
        return tuple((name, labels.get(name, "")) for name in self.group_by)


@dataclass(frozen=True, slots=True)
class _Node:
    route: Route
    destination: Destination
    children: tuple["_Node", ...]


class RouteTree:
    """A tree of routes, ready to be asked."""

    def __init__(self, root: Route) -> None:
        self._root = _node(root, Destination(route_id="", receiver=DEFAULT_RECEIVER), "")
        self.by_id: Mapping[str, Destination] = {node.destination.route_id: node.destination for node in _nodes(self._root)}

    def destinations(self, labels: Mapping[str, str]) -> list[Destination]:
        """Where an alert with these labels goes: at least one, since whatever no child takes is the root's."""
        return _chosen(self._root, labels)


def _node(route: Route, inherited: Destination, path: str) -> _Node:
    path += "{" + ",".join(map(str, route.matchers)) + "}"
    destination = Destination(
        route_id=hashlib.blake2b(path.encode(), digest_size=8).hexdigest(),
        receiver=route.receiver or inherited.receiver,
        group_by=inherited.group_by if route.group_by is None else route.group_by,
        group_wait_s=inherited.group_wait_s if route.group_wait_s is None else route.group_wait_s,
        group_interval_s=inherited.group_interval_s if route.group_interval_s is None else route.group_interval_s,
        repeat_interval_s=inherited.repeat_interval_s if route.repeat_interval_s is None else route.repeat_interval_s,
        repeat_factor_max=inherited.repeat_factor_max if route.repeat_factor_max is None else route.repeat_factor_max,
        mute_times=route.mute_times,
        escalation_policy=route.escalation_policy or inherited.escalation_policy,
    )
    seen: dict[tuple[Matcher, ...], int] = {}  # brothers with the same matchers are told apart by their order
    children = []
    for child in route.routes:
        nth = seen[child.matchers] = seen.get(child.matchers, 0) + 1
        children.append(_node(child, destination, f"{path}/{nth}"))
    return _Node(route, destination, tuple(children))


def _nodes(node: _Node) -> Iterator[_Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _chosen(node: _Node, labels: Mapping[str, str]) -> list[Destination]:
    found: list[Destination] = []
    for child in node.children:
        if all_match(child.route.matchers, labels):
            found += _chosen(child, labels)
            if not child.route.continues:
                break
    return found or [node.destination]


def check_route(root: Route) -> None:
    """Raises FIELD_INVALID for a tree that is too large, or has a value that is out of its limits."""
    if root.matchers:
        raise invalid("root.matchers", "the root takes every alert")
    for count, route in enumerate(_with_depth(root, 1), 1):
        if count > ROUTES_MAX:
            raise invalid("root.routes", f"there are at most {ROUTES_MAX} routes")
        if len(route.matchers) > MATCHERS_MAX:
            raise invalid("matchers", f"a route has at most {MATCHERS_MAX} matchers")
        if route.group_by is not None and (len(route.group_by) > GROUP_BY_MAX or len(set(route.group_by)) < len(route.group_by)):
            raise invalid("group_by", f"names up to {GROUP_BY_MAX} labels, each once")
        _check_times(route)


def _with_depth(route: Route, depth: int) -> Iterator[Route]:
    if depth > DEPTH_MAX:
        raise invalid("root.routes", f"routes are nested deeper than {DEPTH_MAX}")
    yield route
    for child in route.routes:
        yield from _with_depth(child, depth + 1)


def _check_times(route: Route) -> None:
    limits = {
        "group_wait": (route.group_wait_s, 0.0, GROUP_WAIT_MAX_S),
        "group_interval": (route.group_interval_s, GROUP_INTERVAL_MIN_S, GROUP_INTERVAL_MAX_S),
        "repeat_interval": (route.repeat_interval_s, REPEAT_INTERVAL_MIN_S, REPEAT_INTERVAL_MAX_S),
        "repeat_factor_max": (route.repeat_factor_max, 1.0, REPEAT_FACTOR_MAX),
    }
    for name, (value, least, most) in limits.items():
        if value is not None and not least <= value <= most:
            raise invalid(name, f"must be {least:g} to {most:g}")


def every_route(root: Route) -> Iterable[Route]:
    """The root and all below it."""
    return _with_depth(root, 1)
