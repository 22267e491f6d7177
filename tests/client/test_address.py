"""What an address may be, and what of it is never shown."""

import base64

import pytest

from durably_tui.client.address import parse_address
from durably_tui.protocol import DurablyError


def test_a_base_address_is_taken_apart() -> None:
    address = parse_address("https://jobs.example:8443/api/durably/", None, None)

    assert address.url == "https://jobs.example:8443/api/durably"
    assert (address.origin, address.base_path) == ("https://jobs.example:8443", "/api/durably")
    assert address.is_tls
    assert not address.is_loopback


def test_user_and_password_become_basic_authorisation_and_are_not_shown() -> None:
    address = parse_address("http://ann:se%40cret@h/api", None, None)

    assert address.url == "http://h/api"
    sent = base64.b64decode(address.headers["authorization"].removeprefix("Basic "))
    assert sent == b"ann:se@cret"
    assert "se@cret" not in repr(address)
    assert address.without_secrets("it said se@cret") == "it said ***"


def test_the_more_explicit_credentials_win() -> None:
    in_url = "http://ann:secret@h/api"

    token = parse_address(in_url, None, "tok-12345")
    header = parse_address(in_url, {"Authorization": "Custom abcdef"}, "tok-12345")

    assert token.headers["authorization"] == "Bearer tok-12345"
    assert header.headers["authorization"] == "Custom abcdef"
    for secret in ("secret", "tok-12345", "abcdef"):
        assert secret not in header.without_secrets(f"<{secret}>")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8080/x", True),
        ("http://localhost/x", True),
        ("http://app.localhost", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert parse_address(url, None, None).is_loopback is loopback


def test_an_ipv6_address_keeps_its_brackets() -> None:
    assert parse_address("http://[::1]:80/api", None, None).url == "http://[::1]:80/api"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080/api",
        "ftp://h/api",
        "http://",
        "http:///api",
        "http://h:99999/api",
        "http://h:x/api",
        "http://[::1/api",
        "http://h/api?key=sesame",
        "http://u:sesame@h/api#x",
        "u:sesame@h",
    ],
)
def test_what_cannot_be_an_address_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(DurablyError) as caught:
        parse_address(url, None, None)

    assert str(caught.value).endswith(".")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("token", ["line\nend", "tökén-secret", "nul\0token"])
def test_a_token_that_http_cannot_carry_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(DurablyError, match="'authorization'") as caught:
        parse_address("http://h", None, token)

    assert token not in str(caught.value)
