"""Makes a version of a Python file that is surely worse, or surely no different, by one mechanical change."""

import ast
import io
import random
import re
import subprocess
import textwrap
import tokenize
from collections.abc import Callable, Mapping
from itertools import pairwise

from ruff import find_ruff_bin

Change = Callable[[str, random.Random], str | None]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_STATEMENTS_MIN = 4
_DANGERS = (
    "return eval(value)",
    *(f"import {module}\n\n    return {module}.{call}" for module, call in (("os", "system(value)"), ("pickle", "loads(value.encode())"))),
    *(
        f"import {module}\n\n    return {module}.{call}"
        for module, call in (("hashlib", "md5(value.encode())"), ("tempfile", "mktemp(value)"))
    ),
)
_LINT_ERRORS = '''

def first_of(values: list[int]) -> str:
    """The first."""
    import colorsys

    return f"none" if values == None else str(values[0])
'''


def lint_errors(text: str, _rng: random.Random) -> str | None:
    """An import that nobody uses, a comparison by `==` with None, and an f-string without a place to fill."""
    return text + _LINT_ERRORS


def wrong_name(text: str, rng: random.Random) -> str | None:
    """A misspelt name: the bug that a language without a compiler lets through."""
    function = _some(text, rng)
    if function is None:
        return None
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and len(node.id) > 3]
    lines = text.splitlines(keepends=True)
    for name in rng.sample(names, len(names)):
        line = lines[name.lineno - 1]
        if line.isascii() and line[name.col_offset :].startswith(name.id):
            lines[name.lineno - 1] = line[: name.col_offset] + name.id + "x" + line[name.col_offset + len(name.id) :]
            return "".join(lines)
    return None


def nesting(text: str, rng: random.Random) -> str | None:
    """A function whose whole body stands four levels deeper than it has to."""
    head = ("if True is not None:", "for _attempt in range(1):", "if _attempt == 0:", "if not _attempt > 1:")
    return _rewritten_body(text, rng, lambda body: _nested(head, body))


def swallowed_errors(text: str, rng: random.Random) -> str | None:
    """A function that hides whatever goes wrong in it."""
    return _rewritten_body(text, rng, lambda body: f"try:\n{textwrap.indent(body, '    ')}except:\n    pass\n")


def merged_functions(text: str, rng: random.Random) -> str | None:
    """The three longest functions of a file as one: the reverse of splitting a function that does too much."""
    functions = sorted(_functions(text), key=lambda one: one.end_lineno - one.lineno if one.end_lineno else 0)[-3:]
    if len(functions) < 3 or rng is None:
        return None
    lines = text.splitlines(keepends=True)
    parameters, bodies = [], []
    for function in functions:
        parameters += [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs) if argument.arg not in ("self", "cls")]
        bodies.append(_body_of(function, lines))
    merged = f"\n\nasync def do_all({', '.join(dict.fromkeys(parameters))}):\n" + textwrap.indent(
        "".join(map(_without_leaving, bodies)), "    "
    )
    for function in sorted(functions, key=lambda one: -one.lineno):
        _remove(function, lines)
    return _valid("".join(lines) + merged)


def dead_code(text: str, rng: random.Random) -> str | None:
    """Statements after the end of a function, which nothing reaches."""
    function = _some(text, rng)
    if function is None or not isinstance(function.body[-1], ast.Return | ast.Raise) or function.end_lineno is None:
        return None
    lines = text.splitlines(keepends=True)
    margin = " " * function.body[-1].col_offset
    lines.insert(function.end_lineno, f"{margin}leftover = 1\n{margin}leftover += 1\n{margin}print(leftover)\n")
    return "".join(lines)


def duplicated_code(text: str, rng: random.Random) -> str | None:
    """A function of at least ten lines a second time, under another name."""
    long = [one for one in _functions(text) if (one.end_lineno or 0) - one.lineno >= 10 and not one.decorator_list]
    if not long:
        return None
    function = rng.choice(long)
    lines = text.splitlines(keepends=True)
    copy = "".join(lines[function.lineno - 1 : function.end_lineno]).replace(f"def {function.name}(", f"def {function.name}_again(", 1)
    lines.insert(function.end_lineno or 0, f"\n{copy}")
    return "".join(lines)


def insecure_code(text: str, rng: random.Random) -> str | None:
    """What bandit is there for: input that is run or unpacked unseen, hashes and file names that others can forge."""
    return f'{text}\n\ndef run(value: str) -> object:\n    """Runs it."""\n    {rng.choice(_DANGERS)}\n'


def broken_syntax(text: str, rng: random.Random) -> str | None:
    """A colon that is missing."""
    lines = text.splitlines(keepends=True)
    heads = [number for number, line in enumerate(lines) if re.match(r"\s+(if|for|while|with) [^#]*:\n", line)]
    if not heads:
        return None
    chosen = rng.choice(heads)
    lines[chosen] = lines[chosen].rstrip().removesuffix(":") + "\n"
    return "".join(lines)


def unchecked_tests(text: str, rng: random.Random) -> str | None:
    """A test whose assertions are gone."""
    tests = [one for one in _functions(text) if one.name.startswith("test")]
    asserting = [one for one in tests if any(isinstance(node, ast.Assert) for node in ast.walk(one))]
    if not asserting:
        return None
    lines = text.splitlines(keepends=True)
    asserts = [node for node in ast.walk(rng.choice(asserting)) if isinstance(node, ast.Assert)]
    for node in sorted(asserts, key=lambda one: -one.lineno):
        lines[node.lineno - 1 : node.end_lineno] = [f"{' ' * node.col_offset}pass\n"]
    return _valid("".join(lines))


def removed_tests(text: str, rng: random.Random) -> str | None:
    """A test file with a third of its tests gone."""
    tests = [one for one in _functions(text) if one.name.startswith("test") and not one.col_offset]
    if len(tests) < 3:
        return None
    lines = text.splitlines(keepends=True)
    for function in sorted(rng.sample(tests, len(tests) // 3), key=lambda one: -one.lineno):
        _remove(function, lines)
    return _valid("".join(lines))


WORSE: Mapping[str, Change] = {
    change.__name__: change
    for change in (
        *(lint_errors, wrong_name, nesting, swallowed_errors, merged_functions, dead_code, duplicated_code, insecure_code),
        *(broken_syntax, unchecked_tests, removed_tests),
    )
}


def renamed(text: str, rng: random.Random) -> str | None:
    """A local variable under another name, wherever it stands."""
    function = _some(text, rng)
    if function is None:
        return None
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    in_strings = " ".join(token.string for token in tokens if token.type == tokenize.STRING)
    taken = {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg | ast.keyword)}
    outside = {token.string for token in tokens if not function.lineno <= token.start[0] <= (function.end_lineno or 0)}
    local = sorted({node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)})
    free = [name for name in local if name not in taken | outside and name not in in_strings and len(name) > 1 and name.strip("_") == name]
    if not free:
        return None
    name = rng.choice(free)
    lines = text.splitlines(keepends=True)
    for before, token in reversed(list(pairwise(tokens))):
        if token.type == tokenize.NAME and token.string == name and before.string != ".":
            row, column = token.start
            lines[row - 1] = f"{lines[row - 1][:column]}{name}_here{lines[row - 1][column + len(name) :]}"
    return _valid("".join(lines))


def reordered(text: str, rng: random.Random) -> str | None:
    """Two functions of a module that stand one after the other, the other way round."""
    body = ast.parse(text).body
    pairs = [(one, two) for one, two in pairwise(body) if isinstance(one, _Function) and isinstance(two, _Function)]
    pairs = [(one, two) for one, two in pairs if not one.decorator_list and not two.decorator_list]
    if not pairs:
        return None
    one, two = rng.choice(pairs)
    lines = text.splitlines(keepends=True)
    first, between, second = (
        lines[one.lineno - 1 : one.end_lineno],
        lines[one.end_lineno : two.lineno - 1],
        lines[two.lineno - 1 : two.end_lineno],
    )
    lines[one.lineno - 1 : two.end_lineno] = [*second, *between, *first]
    return "".join(lines)


def reformatted(text: str, rng: random.Random) -> str | None:
    """Laid out anew, with shorter lines and other quotes."""
    options = [
        f"line-length={rng.choice((79, 88, 100, 120))}",
        'format.quote-style="single"',
        f"format.skip-magic-trailing-comma={rng.choice(('true', 'false'))}",
    ]
    command = [find_ruff_bin(), "format", "--isolated", "--no-cache", *(part for option in options for part in ("--config", option)), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout if done.stdout != text else None


NEUTRAL: Mapping[str, Change] = {change.__name__: change for change in (renamed, reordered, reformatted)}


def _functions(text: str) -> list[_Function]:
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, _Function)]


def _some(text: str, rng: random.Random) -> _Function | None:
    long = [one for one in _functions(text) if sum(isinstance(node, ast.stmt) for node in ast.walk(one)) > _STATEMENTS_MIN]
    return rng.choice(long) if long else None


def _body_of(function: _Function, lines: list[str]) -> str:
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return textwrap.dedent("".join(lines[first.lineno - 1 : function.end_lineno]))


def _rewritten_body(text: str, rng: random.Random, rewrite: Callable[[str], str]) -> str | None:
    function = _some(text, rng)
    if function is None:
        return None
    lines = text.splitlines(keepends=True)
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    body = rewrite(_body_of(function, lines))
    lines[first.lineno - 1 : function.end_lineno] = [textwrap.indent(body, " " * first.col_offset)]
    return _valid("".join(lines))


def _nested(heads: tuple[str, ...], body: str) -> str:
    for head in reversed(heads):
        body = f"{head}\n{textwrap.indent(body, '    ')}"
    return body


def _without_leaving(body: str) -> str:
    """A body that goes on where it returned, so that another can stand below it."""
    return re.sub(r"(?m)^(\s*)return\b(?! *$)", r"\1result =", re.sub(r"(?m)^(\s*)return *$", r"\1pass", body))


def _remove(function: _Function, lines: list[str]) -> None:
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    alone = f"{' ' * function.col_offset}pass\n" if function.col_offset else ""
    lines[first - 1 : function.end_lineno] = [alone]


def _valid(text: str) -> str | None:
    return text if is_python(text) else None


def is_python(text: str) -> bool:
    """Whether it parses."""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
