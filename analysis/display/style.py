"""The look that figures share: width, sizes, colours. The report's style sheet uses the same names for the same colours."""

from __future__ import annotations

WIDTH = 720.0
# Drawn a second time for phones, so that nothing has to be scrolled or read with a glass.
NARROW = 352.0
SIZE = 12.5
SMALL = 11.5

# Names are custom properties of the style sheet, which has other values for them in the dark.
COLOURS = {
    "paper": "#ffffff",
    "ink": "#1c1f23",
    "quiet": "#5b636c",
    "hairline": "#d9dde2",
    "accent": "#0b6e99",
    "counter": "#b4552d",
    "earlier": "#7b858f",
}
# Tiles carry their own ground, so these stay as they are in the dark.
SEQUENTIAL = ("#e3f0f5", "#abd0df", "#5fa3bf", "#236f91", "#08465f")
DIVERGING = ("#b4552d", "#dca48d", "#f2f2f2", "#86b5ca", "#0b6e99")
ON_LIGHT, ON_DARK = "#1c1f23", "#ffffff"


def paint(colour: str) -> str:
    """Write a colour for CSS: a name of the look as a custom property with its light value behind, else as it is."""
    return f"var(--{colour}, {COLOURS[colour]})" if colour in COLOURS else colour
