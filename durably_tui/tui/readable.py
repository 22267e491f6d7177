"""Text that can be read in every theme.

Textual makes the colours of text from those of the theme, and looks at one ground only: green on
the light theme's bar had a contrast of 2, the keys at the bottom hardly more. Here each is brought
nearer to black or to white until it stands out from every ground that it is written on.

The figures are those of WCAG 2: https://www.w3.org/TR/WCAG22/#contrast-minimum.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.color import Color

LEAST = 4.5
"""Contrast of text to its ground."""
LEAST_BOLD = 3.0
"""On the row under the cursor, which is bold."""
HIGH = 7.0
"""What a theme of high contrast has everywhere."""

_GROUNDS = ("background", "surface", "panel")
_TEXTS = (
    "foreground",
    "text-primary",
    "text-accent",
    "text-warning",
    "text-error",
    "text-success",
)
_FOOTER = ("footer-foreground", "footer-key-foreground", "footer-description-foreground")
_CURSOR = 0.3
"""How much of ``primary`` is in the row under the cursor: ``ground-cursor`` of the palette."""
_STEP = 0.05

Ground = tuple[Color, float]
"""What is written on, and the contrast that it needs."""


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(variables: Mapping[str, str], *, high: bool = False) -> dict[str, str]:
    """The variables of a theme with each colour of text such that it can be read.

    Args:
        variables: as Textual generated them; those of the terminal's own colours stay.
        high: whether the theme promises a high contrast.
    """
    made = dict(variables)
    background = Color.parse(made["background"])
    if background.ansi is not None:
        return made
    least = HIGH if high else LEAST
    grounds = [(Color.parse(made[name]), least) for name in _GROUNDS]
    cursor = background.blend(Color.parse(made["primary"]), _CURSOR)
    grounds.append((cursor, HIGH if high else LEAST_BOLD))
    for name in _TEXTS:
        made[name] = _standing_out(Color.parse(made[name]), grounds).hex
    footer = [(Color.parse(made["footer-background"]), least)]
    for name in _FOOTER:
        made[name] = _standing_out(Color.parse(made[name]), footer).hex
    # Not mixed with whatever they stand on, as Textual has it: ``Content`` makes black or white of
    # that.
    made["text-muted"] = _mixed(background, _share(0.6, grounds, background)).hex
    share = _share(0.38, grounds, background) if high else 0.38  # what does not apply steps back
    made["text-disabled"] = _mixed(background, share).hex
    return made


def _standing_out(color: Color, grounds: list[Ground]) -> Color:
    """A colour, or the nearest to it on the way to black or white that stands out."""
    towards = grounds[0][0].get_contrast_text(1.0)
    share, found = 0.0, color
    while share < 1 and any(contrast(found, ground) < least for ground, least in grounds):
        share += _STEP
        found = color.blend(towards, min(share, 1))
    return found


def _share(share: float, grounds: list[Ground], background: Color) -> float:
    """How much of black or white is in text that steps back, at least so much."""
    while share < 1 and any(
        contrast(_mixed(background, share), ground) < least for ground, least in grounds
    ):
        share += _STEP
    return min(share, 1)


def _mixed(ground: Color, share: float) -> Color:
    return ground.blend(ground.get_contrast_text(1.0), share)


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part / 255) for part in color.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
