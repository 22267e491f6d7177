import pytest
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.protocol.connection import Connection, Phase
from durably_tui.protocol.models import RunStatus
from durably_tui.tui.widgets.status_bar import StatusBar, connection_spans, sparkline

LIVE = Connection(phase=Phase.LIVE, latency_ms=12.3)


class BarApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.bar = StatusBar()

    def compose(self) -> ComposeResult:
        yield self.bar

    def tell(self) -> None:
        bar = self.bar
        bar.server_name = "prod"
        bar.address = "https://jobs.example/api/durably"
        bar.connection = LIVE
        bar.generation = "0.15"
        bar.counts = {RunStatus.RUNNING: 3, RunStatus.PENDING: 2, RunStatus.FAILED: 1}
        bar.rates = (0, 1, 4, 9, 2)
        bar.read_only = True
        bar.now = 1000.0


@pytest.mark.parametrize(
    ("width", "told", "left_out"),
    [
        (160, ["prod", "https://jobs.example/api/durably", "● live 12 ms", "0.15", "3 running",
               "2 pending", "1 failed", "█", "READ-ONLY"], []),
        (80, ["prod", "● live 12 ms", "3 running", "1 failed", "READ-ONLY"], ["jobs.example"]),
        (40, ["prod", "● live", "●3 ○2 ✖1", "READ-ONLY"], ["12 ms"]),
        (12, ["RO"], ["prod"]),
    ],
)  # fmt: skip
async def test_the_vital_things_stay_on_a_narrow_screen(width, told, left_out):
    app = BarApp()
    async with app.run_test(size=(width, 3)) as pilot:
        app.tell()
        await pilot.pause()
        line = screen_lines(app)[0]
        assert [word for word in told if word not in line] == []
        assert [word for word in left_out if word in line] == []


@pytest.mark.parametrize("width", range(60, 130))
async def test_an_address_that_has_too_little_room_is_told_by_its_host(width):
    app = BarApp()
    async with app.run_test(size=(width, 3)) as pilot:
        app.tell()
        app.bar.server_name = ""
        app.bar.address = "http://127.0.0.1:8462/api/durably"
        await pilot.pause()
        assert "127.0.0.1:8462" in screen_lines(app)[0]


@pytest.mark.parametrize("width", [60, 80, 120, 160])
async def test_a_server_without_a_name_is_told_from_others_while_it_is_away(width):
    app = BarApp()
    async with app.run_test(size=(width, 3)) as pilot:
        app.tell()
        app.bar.server_name = ""
        app.bar.connection = Connection(phase=Phase.RECONNECTING, retry_at=1003.0, last_seen=990.0)
        await pilot.pause()
        line = screen_lines(app)[0]
        assert "jobs.example" in line
        assert "▲ reconnecting" in line
        assert ("●3 ○2 ✖1" in line) is (width < 80)


@pytest.mark.parametrize("width", range(1, 170, 7))
async def test_every_width_is_sound(width):
    app = BarApp()
    async with app.run_test(size=(width, 3)) as pilot:
        app.tell()
        await pilot.pause()
        assert_sound(app.bar, width)


async def test_counts_that_may_be_higher_say_so_and_unknown_ones_say_nothing():
    app = BarApp()
    async with app.run_test(size=(160, 3)) as pilot:
        await pilot.pause()
        assert "running" not in screen_lines(app)[0]
        app.tell()
        app.bar.at_least = frozenset((RunStatus.FAILED, RunStatus.CANCELLED))
        await pilot.pause()
        assert "3 running  2 pending  1+ failed" in screen_lines(app)[0]


def words(connection, now=1000.0, **options):
    return "".join(text for text, _ in connection_spans(connection, now, **options))


def test_connections_in_words():
    assert words(None) == "◌ connecting"
    assert words(LIVE) == "● live 12 ms"
    lost = Connection(phase=Phase.RECONNECTING, retry_at=1003.2, last_seen=959.0)
    assert words(lost) == "▲ reconnecting in 4 s · last seen 00:41 ago"
    assert words(lost, full=False) == "▲ reconnecting"
    assert words(lost, plain=True) == "^ reconnecting in 4 s, last seen 00:41 ago"
    assert words(Connection(phase=Phase.OFFLINE)) == "■ offline"
    assert words(Connection(phase=Phase.OFFLINE, retry_at=1005)) == "■ offline, again in 5 s"
    assert words(Connection(phase=Phase.OFFLINE, last_seen=1000 - 3725)) == (
        "■ offline · last seen 1:02:05 ago"
    )
    assert words(Connection(phase=Phase.ENDED)) == "■ ended"


def test_sparkline():
    assert sparkline((0, 1, 4, 8), 6) == "▁▁▁▂▅█"
    assert sparkline((), 3) == "▁▁▁"
    assert sparkline((float("nan"), -1, 2), 3, plain=True) == "__#"


async def test_what_looks_the_same_is_not_painted_again(monkeypatch):
    app = BarApp()
    async with app.run_test(size=(120, 3)) as pilot:
        app.tell()
        await pilot.pause()
        painted = []
        monkeypatch.setattr(app.bar, "refresh", lambda *_, **__: painted.append(1) or app.bar)
        app.bar.now = 1001.0
        app.bar.connection = Connection(phase=Phase.LIVE, latency_ms=12.4)
        await pilot.pause()
        assert painted == []
        app.bar.connection = Connection(phase=Phase.LIVE, latency_ms=13)
        await pilot.pause()
        assert painted == [1]


async def test_the_name_is_in_the_colour_of_the_server():
    app = BarApp()
    async with app.run_test(size=(120, 3)) as pilot:
        app.tell()
        app.bar.server_color = "#ff0000"
        await pilot.pause()
        badge = next(iter(app.bar.render_line(0)))
        assert badge.text == " prod "
        assert badge.style.bgcolor.triplet == (255, 0, 0)
        app.bar.server_color = "no such colour"
        await pilot.pause()
        assert next(iter(app.bar.render_line(0))).text == " prod "


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_inert(text):
    app = BarApp()
    async with app.run_test(size=(120, 3)) as pilot:
        app.tell()
        app.bar.server_name = app.bar.address = app.bar.generation = text
        await pilot.pause()
        assert_sound(app.bar, 120)
