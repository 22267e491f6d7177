"""The question before something that cannot be undone."""

from __future__ import annotations

import pytest
from support.screens import screen_lines
from textual.app import App

from durably_tui.tui.screens.confirm import ConfirmScreen


class AskingApp(App[None]):
    """Asks at once; ``answer`` is what came back."""

    answer: bool | None = None

    def on_mount(self) -> None:
        question = ConfirmScreen(
            "Delete this failed run of [red]x[/]?", "It goes from prod.", "Delete"
        )
        self.push_screen(question, self._answered)

    def _answered(self, answer: bool | None) -> None:
        self.answer = answer


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["y"], True),
        (["n"], False),
        (["q"], False),
        (["escape"], False),
        (["enter"], False),
        (["right", "enter"], True),
        (["left", "enter"], True),
        (["tab", "enter"], True),
        (["left", "l", "enter"], False),
        (["h", "enter"], True),
    ],
)
async def test_only_a_key_that_means_yes_says_yes(keys: list[str], answer: bool) -> None:
    app = AskingApp()
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        await pilot.pause()
    assert app.answer is answer


@pytest.mark.parametrize("size", [(80, 24), (40, 15), (300, 80)])
async def test_the_question_and_both_answers_are_seen(size: tuple[int, int]) -> None:
    app = AskingApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = " ".join(" ".join(screen_lines(app)).split())
        for word in ("[red]x[/]?", "It goes from prod.", "Delete (y)", "No (n)"):
            assert word in text


async def test_the_answers_can_be_clicked() -> None:
    app = AskingApp()
    async with app.run_test() as pilot:
        await pilot.click("#yes")
        await pilot.pause()
    assert app.answer is True
