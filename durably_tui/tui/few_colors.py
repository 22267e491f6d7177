"""The colours of a terminal that has 256 of them, as most have over ssh.

Rich takes the one that rounding leads to: dark greys with a little blue in them become navy, the
row under the cursor teal. What looks most alike is what was meant.
"""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color, ColorSystem, ColorType
from rich.color_triplet import ColorTriplet

_FIRST = 16
"""Those before it are the user's own, and may look like anything."""
_LAST = 255

Seen = tuple[float, float, float]
"""A colour in OKLab, where the distance of two is how different they look."""


def shown_as(color: Color, colors: ColorSystem) -> Color:
    """A colour as a terminal that has ``colors`` can show it."""
    if colors is ColorSystem.EIGHT_BIT and color.type is ColorType.TRUECOLOR:
        assert color.triplet is not None
        return _most_alike(color.triplet)
    return color.downgrade(colors)


@lru_cache(maxsize=4096)
def _most_alike(triplet: ColorTriplet) -> Color:
    wanted = _seen(triplet)

    def difference(candidate: tuple[Color, Seen]) -> float:
        return sum((a - b) ** 2 for a, b in zip(wanted, candidate[1], strict=True))

    return min(_candidates(), key=difference)[0]


@lru_cache(maxsize=1)
def _candidates() -> list[tuple[Color, Seen]]:
    colors = [Color.from_ansi(number) for number in range(_FIRST, _LAST + 1)]
    return [(color, _seen(color.get_truecolor())) for color in colors]


def _seen(triplet: ColorTriplet) -> Seen:
    """OKLab of an sRGB colour: https://bottosson.github.io/posts/oklab/."""
    red, green, blue = (_linear(part / 255) for part in triplet)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
