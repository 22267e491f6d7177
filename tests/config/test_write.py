"""Writing back: the user's file stays the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from durably_tui.config import ConfigError, keep, load, save_filter

BEFORE = """\
# mine
density = "compact"   # close together

[[servers]]
name = "prod"   # careful
url = "http://h/a"

[filters]
# at night
night = "status:failed"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "durably" / "config.toml"


def test_a_file_is_made_where_there_is_none(file: Path) -> None:
    save_filter("bad day", 'status:failed error:"a \\ b"', file=file)
    keep("theme", "nord", file=file)
    config = load(file, {})
    assert config.filters == {"bad day": 'status:failed error:"a \\ b"'}
    assert (config.theme, config.problems) == ("nord", ())
    assert file.stat().st_mode & 0o777 == 0o600


def test_comments_order_and_rights_stay(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(BEFORE)
    file.chmod(0o640)
    save_filter("night", "status:failed age:<8h", file=file)
    save_filter("day", "job:report", file=file)
    keep("time_format", "utc", file=file)
    keep("alerts.bell", True, file=file)
    after = file.read_text()
    for line in ("# mine", 'density = "compact"   # close together', "# at night"):
        assert line in after
    config = load(file, {})
    assert (config.time_format, config.alerts.bell, config.problems) == ("utc", True, ())
    assert config.filters == {"night": "status:failed age:<8h", "day": "job:report"}
    assert config.server("prod").url == "http://h/a"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_a_link_stays_a_link_and_line_ends_stay(file: Path) -> None:
    file.parent.mkdir()
    real = file.parent / "dotfiles.toml"
    real.write_bytes(b'theme = "nord"\r\ndensity = "compact"\r\n')
    file.symlink_to(real)
    keep("theme", "dracula", file=file)
    assert file.is_symlink()
    assert real.read_bytes() == b'theme = "dracula"\r\ndensity = "compact"\r\n'


@pytest.mark.parametrize("text", ['theme = "no', "filters = 3"])
def test_what_cannot_be_read_is_left_alone(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(ConfigError, match="nothing was written"):
        save_filter("night", "status:failed", file=file)
    assert file.read_text() == text


def test_only_what_fits_is_kept(file: Path) -> None:
    with pytest.raises(ConfigError, match="'density' cannot be 'close': "):
        keep("density", "close", file=file)
    with pytest.raises(ConfigError, match="'servers' is not a setting that can be saved"):
        keep("servers", [], file=file)
    with pytest.raises(ConfigError, match="needs a name"):
        save_filter(" ", "status:failed", file=file)
    assert not file.exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="there is a file where its folder should be"):
        keep("theme", "nord", file=tmp_path / "file" / "config.toml")
