"""The configuration: what wins, what is told of a mistake, and what a mistake stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from durably_tui.config import Config, ConfigError, Server, load

TWO_SERVERS = """\
default = "prod"
theme = "nord"
columns = ["status", "id"]

[[servers]]
name = "prod"
url = "https://ada:hunter2@jobs.example/api/durably"
token_env = "PROD_TOKEN"
headers = { x-key = "hunter3" }
production = true
color = "red"
generation = "0.15"

[[servers]]
name = "dev"
url = "http://127.0.0.1:8080/api/durably"

[keys]
retry = "ctrl+r"
delete = ["D", "delete"]

[filters]
night = "status:failed age:<12h"

[alerts]
bell = true
command = "notify-send 'a run failed'"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def loaded(file: Path, text: str | bytes, **environ: str) -> Config:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(file, environ)


def told(config: Config) -> list[str]:
    """The problems, without the folder that the file is in."""
    return [f"{problem.line}: {problem.sentence}" for problem in config.problems]


def test_everything_is_read(file: Path) -> None:
    config = loaded(file, TWO_SERVERS)
    assert config.problems == ()
    assert (config.theme, config.columns, config.density) == (
        "nord",
        ("status", "id"),
        "comfortable",
    )
    assert config.keys == {"retry": ("ctrl+r",), "delete": ("D", "delete")}
    assert config.filters == {"night": "status:failed age:<12h"}
    assert (config.alerts.bell, config.alerts.notice) == (True, False)
    assert config.alerts.command == ("notify-send", "a run failed")
    prod, dev = config.servers
    assert (prod.production, prod.color, prod.generation) == (True, "red", "0.15")
    assert dev == Server("dev", "http://127.0.0.1:8080/api/durably")


def test_servers_may_be_tables_by_name(file: Path) -> None:
    config = loaded(file, '[servers.dev]\nurl = "http://h/a"\n\n[servers.prod]\nurl = "x"\n')
    assert config.server("dev").url == "http://h/a"
    assert told(config) == [
        "5: 'url' cannot be that: write an address, such as \"https://jobs.example/api/durably\"."
    ]
    assert config.origin("servers.dev.url").line == 2


def test_no_credential_is_in_a_text_of_it(file: Path) -> None:
    config = loaded(file, TWO_SERVERS, DURABLY_URL="http://eve:hunter4@h/a")
    assert "hunter" not in repr(config)
    assert config.server().url == "http://eve:hunter4@h/a"
    assert config.server().title == "http://h/a"
    assert config.server("prod").shown == "https://jobs.example/api/durably"


def test_option_then_environment_then_file_then_default(file: Path) -> None:
    file.write_text('theme = "of-file"\n')
    environ = {"DURABLY_THEME": "of-environment"}

    def found(environ: dict[str, str], flags: dict[str, object]) -> tuple[object, str]:
        config = load(file, environ, flags)
        return config.theme, str(config.origin("theme"))

    assert found(environ, {"theme": "of-option"}) == ("of-option", "--theme")
    assert found(environ, {"theme": None}) == ("of-environment", "DURABLY_THEME")
    assert found({}, {}) == ("of-file", f"{file}:1")
    file.write_text("")
    assert found({}, {}) == (None, "default")


def test_a_value_that_cannot_be_gives_way_to_the_next(file: Path) -> None:
    config = loaded(file, 'density = "compact"\n', DURABLY_DENSITY="compcat")
    assert config.density == "compact"
    assert list(map(str, config.problems)) == [
        "DURABLY_DENSITY: 'density' cannot be 'compcat': did you mean 'compact'?"
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('\ntheem = "nord"', ["2: 'theem' is not a setting: did you mean 'theme'?"]),
        ("[keys]\n[alerts]\nbel = 1", ["3: 'bel' is not a setting: did you mean 'bell'?"]),
        ("alerts = 1", ["1: 'alerts' has to be a table: write [alerts] on a line of its own."]),
        (
            'time_format = "iso"',
            ["1: 'time_format' cannot be 'iso': there are relative, local, utc."],
        ),
        ("theme = 3", ["1: 'theme' cannot be that: write a text in quotes."]),
        (
            'columns = ["stauts"]',
            ["1: 'columns' cannot be that: there is no 'stauts': did you mean 'status'?"],
        ),
        ("servers = 1", ["1: each server has to be a table: begin it with [[servers]]."]),
        (
            "[[servers]]\nurl = 'http://h'",
            ['1: the name is missing: add name = "…".'],
        ),
        (
            "[[servers]]\nname = 'a'",
            ["1: the url of the server 'a' is missing: add url = \"…\"."],
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(
    file: Path, text: str, sentences: list[str]
) -> None:
    config = loaded(file, text)
    assert told(config) == sentences
    assert all(problem.where == str(file) for problem in config.problems)


def test_a_bad_server_stops_no_other(file: Path) -> None:
    config = loaded(
        file,
        "[[servers]]\nname = 'a'\nurl = 'http://h/a'\nread_onyl = true\n"
        "[[servers]]\nname = 'b'\nurl = 'http://h/b'\ncolor = 7\n",
    )
    assert [server.name for server in config.servers] == ["b"], "what may protect it is not guessed"
    assert config.server("b").color is None
    with pytest.raises(
        ConfigError, match=r"'a' cannot be used: .*:4: 'read_onyl' is not a setting of"
    ):
        config.server("a")


def test_of_two_servers_of_one_name_none_is_used(file: Path) -> None:
    entry = "[[servers]]\nname = 'a'\nurl = 'http://h/{}'\n"
    config = loaded(file, entry.format(1) + entry.format(2))
    assert told(config) == ["5: there are two servers called 'a': give one of them another name."]
    with pytest.raises(ConfigError, match="two servers called 'a'"):
        config.server("a")
    assert config.server("http://h/3").url == "http://h/3"


def test_an_address_that_is_configured_brings_what_is_said_of_it(file: Path) -> None:
    config = loaded(file, "[[servers]]\nname = 'a'\nurl = 'http://h/a'\nread_only = true\n")
    assert config.server("http://h/a/").read_only
    assert not config.server("http://h/b").read_only
    assert config.server().name == "a", "the only one there is"


def test_read_only_for_all(file: Path) -> None:
    config = loaded(file, TWO_SERVERS, DURABLY_READ_ONLY="1")
    assert config.server("dev").read_only
    assert config.server("http://elsewhere").read_only


def test_a_server_that_is_not_there(file: Path) -> None:
    config = loaded(file, TWO_SERVERS)
    with pytest.raises(ConfigError, match=r"'prdo' is not an http:.* did you mean 'prod'"):
        config.server("prdo")
    with pytest.raises(ConfigError, match="no server was named; give its address"):
        load(None, {"DURABLY_CONFIG": str(file.parent / "none.toml")}).server()
    file.write_text("[[servers]]\nname='a'\nurl='http://a'\n[[servers]]\nname='b'\nurl='http://b'")
    with pytest.raises(ConfigError, match="name one with --server: there are a, b"):
        load(file, {}).server()


@pytest.mark.parametrize(
    ("data", "told_as"),
    [
        (b'theme = "nord"\n[[servers]\n', "2: this is not TOML (expected"),
        (b'theme = "no', "1: this is not TOML ("),
        (b'theme = "n\xf6rd"', "1: this line is not in UTF-8: save the file as UTF-8."),
        ('theme = "nord"'.encode("utf-16"), "None: it is written in UTF-16: save it as UTF-8."),
    ],
)
def test_a_file_that_cannot_be_read_stops_only_what_needs_it(
    file: Path, data: bytes, told_as: str
) -> None:
    config = loaded(file, data)
    assert told(config)[0].startswith(told_as)
    assert config.server("http://h/a").url == "http://h/a"
    with pytest.raises(ConfigError, match=r"'prod' cannot be looked up: .*config\.toml"):
        config.server("prod")


def test_a_folder_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, {}).problems
    assert str(problem) == f"{tmp_path}: this is a folder: the configuration has to be a file."
    (problem,) = load(tmp_path / "no.toml", {}).problems
    assert "there is no such file" in problem.sentence
    assert load(None, {"DURABLY_CONFIG": str(tmp_path / "no.toml")}).problems == ()


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_mistake(file: Path) -> None:
    config = loaded(file, b'\xef\xbb\xbftheme = "nord"\r\ndensity = "x"\r\n')
    assert config.theme == "nord"
    assert told(config)[0].startswith("2: 'density' cannot be 'x'")


def test_one_who_uses_a_setting_can_tell_of_it(file: Path) -> None:
    config = loaded(file, '\ntheme = "nodr"\n')
    problem = config.problem("theme", "there is no theme 'nodr'.")
    assert str(problem) == f"{file}:2: there is no theme 'nodr'."


def test_a_mistake_in_a_table_is_told_with_the_line_of_its_entry(file: Path) -> None:
    config = loaded(file, '[keys]\nretry = "x"\ncancel = "x"\n')
    assert config.problem("keys.cancel", "no.").line == 3


def test_a_mistaken_entry_of_a_table_takes_no_other_with_it(file: Path) -> None:
    text = """\
[keys]
retry = "x"
cancel = 3
delete = ["D", ""]

[filters]
night = 1
bad = "status:failed"
"""
    config = loaded(file, text)
    assert config.keys == {"retry": ("x",)}
    assert config.filters == {"bad": "status:failed"}
    assert told(config) == [
        "3: 'keys.cancel' cannot be that: write the key of 'cancel' as a text, such as \"ctrl+r\".",
        "4: 'keys.delete' cannot be that: write the key of 'delete' as a text, such as \"ctrl+r\".",
        "7: 'filters.night' cannot be that: write the text of 'night' in quotes.",
    ]
    assert config.origin("keys.retry").line == 2
    assert str(config.origin("keys.cancel")) == "default"


def test_a_table_without_a_fit_entry_is_as_if_it_were_not_there(file: Path) -> None:
    config = loaded(file, 'filters = 1\n[keys]\nretry = " "\n')
    assert (config.keys, config.filters) == ({}, {})
    assert told(config) == [
        "3: 'keys.retry' cannot be that: write the key of 'retry' as a text, such as \"ctrl+r\".",
        "1: 'filters' cannot be that: write a table of texts, such as { name = \"text\" }.",
    ]


@pytest.mark.parametrize("headers", ["{ a = 1 }", '{ a = "x", b = 1 }'])
def test_of_the_headers_of_a_server_all_have_to_fit(file: Path, headers: str) -> None:
    config = loaded(file, f"[[servers]]\nname = 'a'\nurl = 'http://h'\nheaders = {headers}\n")
    assert config.servers == ()
    assert "'headers' cannot be that" in told(config)[0]
