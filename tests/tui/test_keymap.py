"""The user's own keys, and what can be typed after `:`; pure."""

from __future__ import annotations

import pytest

from durably_tui.tui.commands import Command
from durably_tui.tui.keymap import is_key, key_name, keymap
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.verbs import Verb, completions, find

PLACES = {"Runs": RunsScreen.KEYS, "A run": RunScreen.KEYS}


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("?", "question_mark"),
        ("x", "x"),
        ("X", "X"),
        ("ctrl+K", "ctrl+k"),
        ("^K", "ctrl+k"),
        ("ctrl+/", "ctrl+slash"),
        ("ctrl++", "ctrl+plus"),
        ("F5", "f5"),
        ("Esc", "escape"),
        ("PageDown", "pagedown"),
        ("ü", "ü"),
    ],
)
def test_keys_are_written_as_people_do(written: str, named: str) -> None:
    assert key_name(written) == named
    assert is_key(named)


def test_a_command_gets_the_key_that_is_wished() -> None:
    granted, problems = keymap({"cancel": ["x", "ctrl+x"]}, PLACES)
    assert granted == {"cancel": "x,ctrl+x"}
    assert problems == {}


def test_a_key_of_another_command_is_refused_in_one_sentence() -> None:
    granted, problems = keymap({"cancel": ["D"], "filter": ["?"]}, PLACES)
    assert granted == {}
    assert problems == {
        "cancel": "'cancel' cannot have the key 'D': in Runs it belongs to 'delete'; "
        "give that one another key.",
        "filter": "'filter' cannot have the key '?': in Runs it belongs to 'help'; "
        "give that one another key.",
    }


@pytest.mark.parametrize("names", [("delete", "cancel"), ("cancel", "delete")])
def test_commands_can_change_keys_in_whichever_order(names: tuple[str, ...]) -> None:
    wanted = {"delete": ["c"], "cancel": ["D"]}
    granted, problems = keymap({name: wanted[name] for name in names}, PLACES)
    assert granted == {"delete": "c", "cancel": "D"}
    assert problems == {}


def test_of_two_wishes_for_one_key_the_first_is_granted() -> None:
    granted, problems = keymap({"cancel": ["X"], "delete": ["X"]}, PLACES)
    assert granted == {"cancel": "X"}
    assert list(problems) == ["delete"]


def test_a_wish_that_waits_for_one_that_is_refused_is_refused_as_well() -> None:
    granted, problems = keymap({"cancel": ["D"], "delete": ["r"], "mark": ["x"]}, PLACES)
    assert granted == {"mark": "x"}
    assert list(problems) == ["cancel", "delete"]


@pytest.mark.parametrize("key", ["ctrl+tabb", "contrl+r", "foo bar", "F99", "rr"])
def test_a_key_that_no_keyboard_has_is_told(key: str) -> None:
    assert keymap({"cancel": [key]}, PLACES) == (
        {},
        {"cancel": f"'cancel' cannot have the key {key!r}: there is no such key."},
    )


def test_a_command_that_does_not_exist_is_told() -> None:
    assert keymap({"explode": ["x"]}, PLACES) == (
        {},
        {"explode": "there is no command 'explode' that could have another key."},
    )


def test_a_key_that_moves_is_kept_as_no_command_of_the_place_it_is() -> None:
    assert keymap({"down": ["ctrl+n"]}, PLACES) == (
        {},
        {"down": "'down' keeps its keys: those that move are the same everywhere."},
    )


VERBS = [
    Verb("runs", "Go to the runs", print),
    Verb("retry", "Make it go again", print),
    Verb("theme", "Change the colours", print, lambda: ["nord", "night"]),
]


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("runs", "runs", ""),
        ("ru status:failed", "runs", "status:failed"),
        ("THEME x", "theme", "x"),
    ],
)
def test_a_verb_is_found_by_its_word_or_its_beginning(text: str, word: str, rest: str) -> None:
    found = find(VERBS, text)
    assert not isinstance(found, str)
    assert (found[0].word, found[1]) == (word, rest)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("r", "'r' may be retry, runs: type more."),
        ("retri", "There is no command 'retri': did you mean 'retry'?"),
        ("xyzzy", "There is no command 'xyzzy': ? lists the commands of this place."),
    ],
)
def test_what_is_no_verb_is_told(text: str, sentence: str) -> None:
    assert find(VERBS, text) == sentence


def test_completion_of_words_and_of_what_follows_them() -> None:
    assert completions(VERBS, "r") == ["runs", "retry"]
    assert completions(VERBS, "theme n") == ["theme nord", "theme night"]
    assert completions(VERBS, "runs ") == []
    assert completions(VERBS, "th") == ["theme"]
    assert completions(VERBS, "theme") == completions(VERBS, "th ") == ["theme nord", "theme night"]
    assert completions(VERBS, "r n") == []


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_the_names_of_the_commands_of_a_place_are_unique(place: tuple[Command, ...]) -> None:
    names = [command.name for command in place]
    assert sorted(names) == sorted(set(names))
