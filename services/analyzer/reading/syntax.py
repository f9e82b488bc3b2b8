"""Whether code of the languages that tree-sitter reads is well-formed."""

from collections.abc import Iterator

from tree_sitter import Node

from services.analyzer.domain.quality.penalty import ERROR_POINTS, Fault
from services.analyzer.reading.languages import Language, parser_of

# Past so many the parser has lost its way, and more tell nothing.
_ERRORS_MAX = 20


def syntax_faults(content: bytes, language: Language, path: str) -> list[Fault]:
    """Where a file does not parse, in order. It goes no deeper into what is in error."""
    found: list[Fault] = []
    for node in _erroneous(parser_of(language).parse(content).root_node):
        what = f"{node.type} is missing" if node.is_missing else "this does not parse"
        found.append(Fault("syntax", what, path, node.start_point.row + 1, ERROR_POINTS))
        if len(found) == _ERRORS_MAX:
            break
    return found


def _erroneous(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            waiting += reversed(node.children)
