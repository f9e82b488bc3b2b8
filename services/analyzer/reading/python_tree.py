"""What Python's own syntax tree shows and no linter tells: dead code, and tests that check nothing."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from services.analyzer.domain.quality.penalty import Fault

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What is never run costs by how much of it there is to be read in vain.
_POINTS_PER_DEAD_STATEMENT = 0.3
_UNCHECKED_TEST_POINTS = 2.0
# Calls by which a test checks something: assert_called, assertEqual, pytest.raises, fail, check(…), and what libraries name alike.
_CHECKS = ("assert", "raises", "warns", "fail", "check", "expect", "verify", "approx", "match", "should")


def parsed(text: str) -> ast.Module | None:
    """The tree; None where this version of Python cannot read it."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def tree_faults(tree: ast.Module, path: str) -> Iterator[Fault]:
    """All that the tree shows, in no particular order."""
    nodes = list(ast.walk(tree))
    used = _names_used(nodes)
    for node in nodes:
        for body in _bodies(node):
            yield from _unreachable(body, path)
        if isinstance(node, ast.If | ast.While):
            yield from _never_true(node, path)
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield from _unused(node, used, path)
        if isinstance(node, _FUNCTIONS) and node.name.startswith("test") and not _checks_something(node):
            yield Fault("test-without-check", f"{node.name} checks nothing", path, node.lineno, _UNCHECKED_TEST_POINTS)


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list):
            yield body


def _unreachable(body: list[ast.stmt], path: str) -> Iterator[Fault]:
    for position, statement in enumerate(body[:-1]):
        if isinstance(statement, _LEAVES):
            rest = body[position + 1 :]
            points = 1 + _POINTS_PER_DEAD_STATEMENT * sum(map(_statement_count, rest))
            yield Fault("unreachable", "this is never reached", path, rest[0].lineno, points)
            return


def _never_true(node: ast.If | ast.While, path: str) -> Iterator[Fault]:
    if isinstance(node.test, ast.Constant) and not node.test.value:
        points = 1 + _POINTS_PER_DEAD_STATEMENT * sum(map(_statement_count, node.body))
        yield Fault("unreachable", "this condition is never true", path, node.lineno, points)


def _unused(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, used: Counter[str], path: str) -> Iterator[Fault]:
    """A private name that nothing in its file mentions; one with a decorator may be known elsewhere by it."""
    is_private = node.name.startswith("_") and not node.name.endswith("__")
    if is_private and node.name.strip("_") and not node.decorator_list and not used[node.name]:
        points = 1 + _POINTS_PER_DEAD_STATEMENT * _statement_count(node)
        yield Fault("unused", f"nothing uses {node.name}", path, node.lineno, points)


def _names_used(nodes: Sequence[ast.AST]) -> Counter[str]:
    used: Counter[str] = Counter()
    for node in nodes:
        if isinstance(node, ast.Name):
            used[node.id] += 1
        elif isinstance(node, ast.Attribute):
            used[node.attr] += 1
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used[node.value] += 1
    return used


def _checks_something(node: ast.AST) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assert):
            return True
        if isinstance(inner, ast.Call):
            name = inner.func.attr if isinstance(inner.func, ast.Attribute) else getattr(inner.func, "id", "")
            if any(word in name.lower() for word in _CHECKS):
                return True
    return False


def _statement_count(node: ast.AST) -> int:
    return sum(isinstance(inner, ast.stmt) for inner in ast.walk(node))
