"""``durably-tui serve`` with its options about access and words, as a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.command import Home, Served, run, serving
from support.plain_http import NO_TLS

JOBS = "support.served:durably"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@contextmanager
def with_options(home: Home, *options: str, **env: str) -> Iterator[Served]:
    with serving(home, JOBS, "--port", "0", *options, **env) as served:
        yield served


def status(served: Served, token: str | None, method: str = "GET", path: str = "/runs") -> int:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.request(method, served.url + path, headers=headers, verify=NO_TLS).status_code


def test_tokens_from_everywhere_are_asked_for(home: Home) -> None:
    file = home.folder / "tokens"
    file.write_text("from-file\n\nsecond\n")
    options = ["--token-file", str(file), "--read-token", "reader"]
    with with_options(home, *options, DURABLY_TOKEN="one two") as served:
        for token in ("from-file", "second", "one", "two"):
            assert status(served, token, "POST", "/cancel") == 400
        assert status(served, "reader") == 200
        assert status(served, "reader", "POST", "/cancel") == 403
        assert [status(served, token) for token in (None, "one two", "three")] == [401] * 3
        said = served.said
    assert not any(token in said for token in ("from-file", "second", "one", "reader"))


def test_a_token_on_the_command_line_is_accepted(home: Home) -> None:
    with with_options(home, "--token", "plain", "--generation", "0.8") as served:
        assert status(served, "plain") == 200
        assert status(served, None) == 401
        about = httpx.get(
            served.url, headers={"Authorization": "Bearer plain"}, verify=NO_TLS
        ).json()
    assert about["generation"] == "0.8"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--host", "0.0.0.0"], "give a token, or say --insecure"),
        (["--token", "a b c\n"], "A token is empty or has characters"),
        (["--token-file", "nowhere"], "nowhere cannot be read: No such file or directory"),
        (["--token-file", "/dev/null"], "there is no token in /dev/null"),
        (["--tls-key", "key.pem"], "it needs --tls-cert too"),
        (["--tls-cert", "nowhere.pem"], "The TLS files cannot be used: no such file"),
        (["--generation", "0.9"], "'0.9' is not one of '0.15', '0.8'"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    home: Home, options: list[str], sentence: str
) -> None:
    db = str(home.folder / "served.db")
    answer = run(home, "serve", JOBS, "--port", "0", *options, SERVED_DB=db)
    assert answer.returncode in (1, 2)
    assert sentence in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr
