"""The languages that code can be read in: their names, their files' endings, and what parses them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from types import MappingProxyType

from tree_sitter import Language as Grammar
from tree_sitter import Parser

from kit.errors import invalid


@dataclass(frozen=True, slots=True)
class Language:
    """A language. `file_name` is what its code is called while it is analysed; never a name that came with it."""

    name: str
    file_name: str
    grammar: str = ""
    grammar_function: str = "language"


_ALL = (
    Language("python", "answer.py"),
    Language("javascript", "answer.js", "tree_sitter_javascript"),
    Language("typescript", "answer.ts", "tree_sitter_typescript", "language_typescript"),
    Language("tsx", "answer.tsx", "tree_sitter_typescript", "language_tsx"),
    Language("java", "answer.java", "tree_sitter_java"),
    Language("go", "answer.go", "tree_sitter_go"),
    Language("c", "answer.c", "tree_sitter_c"),
    Language("cpp", "answer.cpp", "tree_sitter_cpp"),
    Language("rust", "answer.rs", "tree_sitter_rust"),
)
_BY_NAME: Mapping[str, Language] = MappingProxyType({language.name: language for language in _ALL})
_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {"py": "python", "python3": "python", "js": "javascript", "jsx": "javascript", "ts": "typescript"}
    | {"golang": "go", "c++": "cpp", "cxx": "cpp", "rs": "rust"}
)
_BY_SUFFIX: Mapping[str, str] = MappingProxyType(
    {".py": "python", ".pyi": "python", ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript"}
    | {".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx", ".java": "java", ".go": "go", ".rs": "rust"}
    | {".c": "c", ".h": "cpp", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hh": "cpp", ".hpp": "cpp", ".hxx": "cpp"}
)


def language_named(name: str) -> Language:
    """The language by one of its common names. Raises AssayError for one that cannot be read."""
    known = name.strip().lower()
    language = _BY_NAME.get(_OTHER_NAMES.get(known, known))
    if language is None:
        raise invalid("language", f"{name[:40]!r} cannot be read: name one of {', '.join(_BY_NAME)}", "LANGUAGE_UNKNOWN")
    return language


def language_of_path(path: str) -> Language | None:
    """The language of a file by the end of its name, None for any other file. Only the text is looked at."""
    name = _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())
    return _BY_NAME[name] if name else None


@cache
def parser_of(language: Language) -> Parser:
    """The parser of a language that has a grammar."""
    grammar: Callable[[], object] = getattr(import_module(language.grammar), language.grammar_function)
    return Parser(Grammar(grammar()))
