"""Keys whose bytes come together, as over a slow line."""

from __future__ import annotations

from support.monitor import Monitor
from textual import events
from textual.keys import _character_to_key

KEYS = {
    **{"\x1b": "escape", "\r": "enter", "\x7f": "backspace"},
    **{"\x15": "ctrl+u", "\x01": "home", "\t": "tab"},
}


async def type_ahead(shown: Monitor, text: str) -> None:
    """The bytes of a text come at once, as over a slow line."""
    driver = shown.app._driver
    assert driver is not None
    for each in text:
        driver.send_message(events.Key(KEYS.get(each) or _character_to_key(each), each))
