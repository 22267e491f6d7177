"""A token comes from where the server says, and goes to no other server."""

from __future__ import annotations

import sys
import types

import pytest

from durably_tui.config import ConfigError, Server, token_of

URL = "http://h/a"
ENVIRON = {"DURABLY_TOKEN": "general", "PROD_TOKEN": "of-prod"}


def printing(code: str) -> Server:
    return Server("prod", URL, token_command=(sys.executable, "-c", code))


def test_what_is_said_of_the_server_comes_first() -> None:
    assert token_of(Server("prod", URL, token_env="PROD_TOKEN"), ENVIRON) == "of-prod"
    assert token_of(printing("print(' of-command ')"), ENVIRON) == "of-command"
    assert token_of(Server("", URL), ENVIRON) == "general"
    assert token_of(Server("", URL), {}) is None


def test_the_general_token_is_for_the_server_that_was_chosen() -> None:
    assert token_of(Server("prod", URL), ENVIRON) == "general"
    assert token_of(Server("prod", URL), ENVIRON, chosen=False) is None


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        (Server("prod", URL, token_env="NOT_SET"), "takes its token from NOT_SET, which is not"),
        (printing("print('hunter2'); raise SystemExit(3)"), "ended with 3: run it yourself"),
        (printing(""), "printed nothing"),
        (Server("prod", URL, token_command=("no-such-program",)), "cannot be run: No such file"),
    ],
)
def test_a_token_that_cannot_be_had_is_told(server: Server, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        token_of(server, ENVIRON)
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_keyring_is_asked_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = types.ModuleType("keyring")
    keyring.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    stored = {("durably-tui", "prod"): "of-keyring"}
    keyring.get_password = lambda service, name: stored.get((service, name))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert token_of(Server("prod", URL), {}) == "of-keyring"
    assert token_of(Server("dev", URL), {}) is None

    def locked(service: str, name: str) -> str:
        raise RuntimeError("locked")

    keyring.get_password = locked  # type: ignore[attr-defined]
    assert token_of(Server("prod", URL), {}) is None
