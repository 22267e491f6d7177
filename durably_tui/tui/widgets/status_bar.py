"""The bar on top: which server, how the connection is, what it is doing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from durably_tui.protocol.connection import Connection, Phase
from durably_tui.protocol.models import RunStatus
from durably_tui.text import cells, fit, safe

from .line_view import Painter, Span, Spans
from .look import RUN_LOOKS
from .progress import count
from .replay_mark import ReplayMark

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.:-=+*#"
_COUNTED = (RunStatus.RUNNING, RunStatus.PENDING, RunStatus.FAILED)
_LEAST_ADDRESS = 16
_GAP = 2
_MARGIN: Span = (" ", "text")
_UPGRADES = (
    ("connection", 1),
    ("name", 1),
    ("replay", 1),
    ("counts", 1),
    ("waiting", 1),
    ("read_only", 1),
    ("address", 1),
    ("replay", 2),
    ("connection", 2),
    ("counts", 2),
    ("spark", 1),
    ("generation", 1),
    ("spark", 2),
)
"""What gets longer first as there is more room: a piece, and which of its forms it then has."""

_PHASES = {
    Phase.CONNECTING: ("◌", "o", "connecting", "pending"),
    Phase.LIVE: ("●", "*", "live", "completed"),
    Phase.RECONNECTING: ("▲", "^", "reconnecting", "pending"),
    Phase.OFFLINE: ("■", "#", "offline", "failed"),
    Phase.ENDED: ("■", "#", "ended", "muted"),
}


def sparkline(rates: Sequence[float], width: int, *, plain: bool = False) -> str:
    """The last ``width`` rates as bars, the newest last, the highest of them full."""
    levels = _PLAIN_BARS if plain else _BARS
    shown = [max(0.0, rate) if math.isfinite(rate) else 0.0 for rate in rates[-width:]]
    top = max(shown, default=0.0)
    step = len(levels) - 1
    bars = "".join(levels[math.ceil(rate / top * step) if top else 0] for rate in shown)
    return bars.rjust(width, levels[0])


def connection_spans(
    connection: Connection | None, now: float, *, full: bool = True, plain: bool = False
) -> Spans:
    """How a connection is: ``● live 12 ms``, ``▲ reconnecting in 4 s · last seen 00:41 ago``.

    Args:
        connection: None where there is none yet: that reads as connecting.
        now: Seconds since the epoch.
        full: Also tell the latency, the next attempt and when the server was last heard.
        plain: ASCII only.
    """
    connection = connection if connection is not None else Connection()
    glyph, ascii_glyph, word, style = _PHASES[connection.phase]
    said: Span = (f"{ascii_glyph if plain else glyph} {word}", style)
    if not full:
        return (said,)
    if connection.phase is Phase.LIVE:
        latency = connection.latency_ms
        return (said,) if latency is None else (said, (f" {latency:.0f} ms", "muted"))
    parts: list[str] = []
    if connection.phase in {Phase.RECONNECTING, Phase.OFFLINE}:
        if connection.retry_at is not None and connection.retry_at > now:
            again = "" if connection.phase is Phase.RECONNECTING else ", again"
            parts.append(f"{again} in {math.ceil(connection.retry_at - now)} s")
        if connection.last_seen is not None:
            dot = "," if plain else " ·"
            parts.append(f"{dot} last seen {_clock(now - connection.last_seen)} ago")
    return (said, ("".join(parts), "text"))


def _clock(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 3600:
        return f"{whole // 60:02}:{whole % 60:02}"
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def _length(spans: Spans) -> int:
    return sum(cells(text) for text, _ in spans)


@dataclass(frozen=True, slots=True)
class _Picture:
    """What the bar shows at one width."""

    badge: str
    left: Spans
    right: Spans


class StatusBar(Widget):
    """One line on top of every place. It tells less on a narrow screen, the vital things last."""

    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        width: 1fr;
        background: $panel;
        color: $foreground;
    }
    """

    server_name: var[str] = var("")
    """What the server is called in the configuration, if it is named there."""
    server_color: var[str] = var("")
    """The colour behind its name, as CSS has it, so that production looks like production."""
    address: var[str] = var("")
    """The base address."""
    connection: var[Connection | None] = var(None)
    """How its stream is doing."""
    generation: var[str] = var("")
    """The generation of its protocol: ``0.8``, ``0.15``, ``python``."""
    counts: var[Mapping[RunStatus, int] | None] = var(None)
    """How many runs of the server are in which status; None while that is not known."""
    at_least: var[frozenset[RunStatus]] = var(frozenset[RunStatus]())
    """Of which statuses it has perhaps more."""
    rates: var[Sequence[float]] = var(())
    """Events in each of the last seconds, the newest last."""
    read_only: var[bool] = var(False)
    """Whether nothing can be changed on this server."""
    replay: var[ReplayMark | None] = var(None)
    """Where the replay is, which is told instead of ``read_only``; None where it is none."""
    waiting: var[int | None] = var(None)
    """How many events came since what is held still was painted; None where it is not paused."""
    now: var[float] = var(0.0)
    """Seconds since the epoch."""
    plain: var[bool] = var(False)
    """Show ASCII only."""

    def __init__(
        self,
        *,
        plain: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.painter = Painter(self)
        self._shown: _Picture | None = None
        self._comparing = False
        self.set_reactive(StatusBar.plain, plain)

    def on_mount(self) -> None:
        """Look at every attribute when it changes, and paint only what looks different."""
        for attribute in (
            "server_name", "server_color", "address", "connection", "generation", "counts",
            "at_least", "rates", "read_only", "replay", "waiting", "now", "plain",
        ):  # fmt: skip
            self.watch(self, attribute, self._changed, init=False)

    def _changed(self) -> None:
        if not self._comparing:
            self._comparing = True
            self.call_next(self._compare)

    def _compare(self) -> None:
        self._comparing = False
        if self._picture(self.size.width) != self._shown:
            self.refresh()

    def watch_server_color(self) -> None:
        """Paint the name in the new colour."""
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget the old colours."""
        super().notify_style_update()
        self.painter.forget()

    def render_line(self, y: int) -> Strip:
        """The bar."""
        width = self.size.width
        picture = self._shown = self._picture(width)
        badge = fit(picture.badge, min(width, cells(picture.badge)))
        room = width - cells(badge)
        gap = max(0, room - _length(picture.left) - _length(picture.right))
        rest = self.painter.strip((*picture.left, (" " * gap, "text"), *picture.right), room)
        if not badge:
            return rest
        return Strip([Segment(badge, self._badge_style()), *rest], width)

    def _badge_style(self) -> Style:
        try:
            ground = Color.parse(self.server_color) if self.server_color else None
        except ColorParseError:
            ground = None
        if ground is None:
            return self.painter.style("badge")
        return Style(
            color=ground.get_contrast_text().rich_color, bgcolor=ground.rich_color, bold=True
        )

    def _picture(self, width: int) -> _Picture:
        """Each piece in the longest form that there is room for, the vital ones first."""
        forms = self._forms()
        chosen = dict.fromkeys(forms, 0)
        room = width - 1

        def taken() -> int:
            lengths = [_length(forms[name][at]) for name, at in chosen.items()]
            return sum(length + _GAP for length in lengths if length)

        for name, at in _UPGRADES:
            if at < len(forms[name]):
                before = chosen[name]
                chosen[name] = at
                if taken() > room:
                    chosen[name] = before
        shown = {name: forms[name][at] for name, at in chosen.items()}
        before = _length(shown["address"])
        spare = room - taken() + (before or -_GAP)
        address = safe(self.address, limit=500)
        # The host in full tells more than the beginning of the address.
        least = cells(address) if before else min(_LEAST_ADDRESS, cells(address))
        if spare >= least:
            shown["address"] = ((fit(address, min(spare, cells(address))), "muted"),)
        badge = "".join(text for text, _ in shown["name"])
        left = _joined(shown["address"], shown["connection"], shown["generation"])
        right = _joined(
            shown["replay"], shown["waiting"], shown["counts"], shown["spark"], shown["read_only"]
        )
        return _Picture(f" {badge} " if badge else "", ((" ", "text"), *left), (*right, _MARGIN))

    def _forms(self) -> dict[str, tuple[Spans, ...]]:
        """Every piece, in its forms from the shortest on; the whole address has what is left."""
        plain, now = self.plain, self.now
        short = connection_spans(self.connection, now, full=False, plain=plain)
        spark = [(sparkline(self.rates, width, plain=plain), "accent") for width in (8, 16)]
        name = safe(self.server_name, limit=40)
        host = safe(self.address.partition("://")[2].partition("/")[0], limit=40)
        return {
            "name": ((), ((name, "strong"),)) if name else ((),),
            "address": ((), ((host, "muted"),)) if host and not name else ((),),
            "connection": (
                ((short[0][0][:1], short[0][1]),),
                short,
                connection_spans(self.connection, now, plain=plain),
            ),
            "read_only": (
                (((("RO", "warn"),)), ((("READ-ONLY", "warn"),)))
                if self.read_only and self.replay is None
                else ((),)
            ),
            "replay": (
                ((), self.replay.spans(full=False), self.replay.spans(full=True))
                if self.replay is not None
                else ((),)
            ),
            "waiting": ((), self._waiting_spans()),
            "counts": ((), self._count_spans(full=False), self._count_spans(full=True)),
            "generation": ((), ((safe(self.generation, limit=12), "muted"),)),
            "spark": ((), (spark[0],), (spark[1],)) if self.rates else ((),),
        }

    def _waiting_spans(self) -> Spans:
        if self.waiting is None:
            return ()
        return (("PAUSED", "warn"), (f" +{count(self.waiting)}", "warn"))

    def _count_spans(self, *, full: bool) -> Spans:
        spans: list[Span] = []
        if self.counts is None:
            return ()
        for status in _COUNTED:
            number = self.counts.get(status, 0)
            look = RUN_LOOKS[status]
            glyph = look.plain if self.plain else look.glyph
            told = f"{count(number)}+" if number and status in self.at_least else count(number)
            text = f"{told} {look.word}" if full else f"{glyph}{told}"
            if spans:
                spans.append(("  " if full else " ", "text"))
            spans.append((text, look.style if number else "muted"))
        return tuple(spans)


def _joined(*pieces: Spans) -> Spans:
    """Pieces beside each other, with a gap between those that are there."""
    spans: list[Span] = []
    for piece in pieces:
        if _length(piece):
            if spans:
                spans.append((" " * _GAP, "text"))
            spans.extend(piece)
    return tuple(spans)
