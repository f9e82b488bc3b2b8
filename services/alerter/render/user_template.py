"""Templates that users write for subject and text: sandboxed, and bounded by what they are allowed to say.

A template can show what it is given, choose, filter and walk through lists, two deep. It cannot call, calculate, assign, define or include
anything. So its time and its output are at most its length times the square of the longest list, and no time limit is needed.
"""

from collections.abc import Mapping
from functools import lru_cache

from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kit.errors import AssayError, invalid
from services.alerter.domain.notification.receiver import TEMPLATE_LENGTH_MAX

OUTPUT_LENGTH_MAX = 20_000  # characters; a longer one is cut
LOOPS_DEEP_MAX = 2
SEPARATOR_LENGTH_MAX = 20
_FILTERS = ("default", "escape", "first", "last", "length", "lower", "round", "title", "trim", "truncate", "upper")
_TESTS = ("defined", "none", "undefined")
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const, nodes.For, nodes.If,
    nodes.CondExpr, nodes.Filter, nodes.Keyword, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
)  # fmt: skip


def _join(values: object, separator: str = ", ") -> str:
    """Joins a list; a text is none, or joins of joins would grow without bound."""
    if not isinstance(values, list | tuple) or len(separator) > SEPARATOR_LENGTH_MAX:
        raise TemplateError(f"join takes a list and at most {SEPARATOR_LENGTH_MAX} characters to put between")
    return separator.join(map(str, values))


def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    made.globals = {}
    made.filters = {name: made.filters[name] for name in _FILTERS} | {"join": _join}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_ENVIRONMENT = _environment()


def check_template(field: str, source: str) -> None:
    """Raises FIELD_INVALID, with what is wrong, for a template that is none or says what is not allowed."""
    if len(source) > TEMPLATE_LENGTH_MAX:
        raise invalid(field, f"has at most {TEMPLATE_LENGTH_MAX} characters")
    try:
        _check_nodes(field, _ENVIRONMENT.parse(source), 0)
        _ENVIRONMENT.from_string(source)
    except (TemplateError, RecursionError, ValueError, OverflowError) as error:
        raise invalid(field, f"{error}"[:200] or "is no template") from error


def _check_nodes(field: str, node: nodes.Node, loops: int) -> None:
    for child in node.iter_child_nodes():
        if not isinstance(child, _ALLOWED):
            raise invalid(field, f"there is no {type(child).__name__.lower()} in these templates")
        if isinstance(child, nodes.Filter | nodes.Test) and child.name not in (*_ENVIRONMENT.filters, *_ENVIRONMENT.tests):
            raise invalid(field, f"there is no {child.name}")
        if isinstance(child, nodes.For) and (child.recursive or loops >= LOOPS_DEEP_MAX):
            raise invalid(field, f"loops are at most {LOOPS_DEEP_MAX} deep, and not recursive")
        if isinstance(child, nodes.Filter) and (child.dyn_args is not None or child.dyn_kwargs is not None):
            raise invalid(field, "filters take their arguments one by one")
        _check_nodes(field, child, loops + isinstance(child, nodes.For))


def rendered(source: str, values: Mapping[str, object]) -> str:
    """What a template that was checked makes of the values. Raises FIELD_INVALID for one that fails on them."""
    try:
        parts, length = [], 0
        for part in _compiled(source).generate(values):
            parts.append(part)
            length += len(part)
            if length > OUTPUT_LENGTH_MAX:
                break
    except AssayError:
        raise
    except Exception as error:  # a template of a user's can fail in any way that an expression can
        raise invalid("template", f"{type(error).__name__}: {error}"[:200]) from error
    return "".join(parts)[:OUTPUT_LENGTH_MAX]


@lru_cache(maxsize=256)
def _compiled(source: str):  # type: ignore[no-untyped-def]
    check_template("template", source)
    return _ENVIRONMENT.from_string(source)
