"""Colours of reports, for light and for dark; the dashboard's own, told apart with any kind of colour vision."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LIGHT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "page": "#ffffff",
        "sunken": "#f3f5f7",
        "line": "#dde3e9",
        "grid": "#e9edf1",
        "ink": "#17202a",
        "soft": "#465361",
        "faint": "#5c6874",
        "accent": "#0b57a8",
        "good": "#0a6b4f",
        "bad": "#b03200",
        "data-1": "#0072b2",
        "data-2": "#c65300",
        "data-3": "#00805f",
        "data-4": "#8a4f9e",
        "data-5": "#7b8794",
    }
)
DARK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "page": "#12181e",
        "sunken": "#1a2129",
        "line": "#2b3540",
        "grid": "#222b33",
        "ink": "#e7ecf1",
        "soft": "#b4bfca",
        "faint": "#97a4b0",
        "accent": "#77b6ff",
        "good": "#4fcba3",
        "bad": "#ff9468",
        "data-1": "#56b4e9",
        "data-2": "#f08a4b",
        "data-3": "#3cc79c",
        "data-4": "#d59be6",
        "data-5": "#7d8b99",
    }
)
# For a page that knows both: its style sheet says what they are.
VARIABLES: Final[Mapping[str, str]] = MappingProxyType({name: f"var(--{name})" for name in LIGHT})


def declarations(colours: Mapping[str, str]) -> str:
    """The colours as custom properties of CSS."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
