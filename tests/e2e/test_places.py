"""The places in a real terminal, by real key bytes, while the server is killed and restarted."""

from __future__ import annotations

from support.command import COMMAND, Home, serving
from support.terminal import Terminal

ENTER, ESCAPE = "\r", "\x1b"


def test_every_place_by_its_digit_while_the_server_dies_and_comes_back(home: Home) -> None:
    done = home.folder / "done"
    with serving(home) as first:
        port = first.url.split(":")[2].split("/")[0]
        config = home.folder / "config.toml"
        config.write_text(
            f'default = "night"\n[servers.night]\nurl = "{first.url}"\nproduction = true\n'
            'color = "red"\n[filters]\nbroken = "status:failed"\n'
        )
        with Terminal(
            COMMAND, env=home.env(DURABLY_CONFIG=str(config)), columns=120, lines=40
        ) as terminal:
            terminal.wait_for("night", "● live", "No runs yet")
            first.trigger("say", text="out of paper")
            terminal.wait_for("✖ failed", "say")
            first.trigger("store-rows", count=6, hold=3, until=str(done))
            terminal.wait_for("● running    store-rows", "3/6")

            terminal.send("2")
            terminal.wait_for("LAST RUNS", "store-rows", "counted by the server")
            terminal.send("3")
            terminal.wait_for("out of paper", "say")
            terminal.send("4")
            terminal.wait_for("log of all runs", "out of paper")
            terminal.send("5")
            terminal.wait_for("CONNECTION", "night", "PROD")

            first.process.kill()
            first.process.wait()
            terminal.wait_for("reconnecting", "Not connected since")
            with serving(home, "support.served:durably", "--port", port):
                terminal.wait_for("● live", "Not connected from")
                terminal.send("1")
                # The run that was cut off is taken up again once its lease is over.
                done.touch()
                terminal.wait_for("✔ completed  store-rows", "6/6")

                terminal.send(":load broken" + ENTER)
                terminal.wait_for("status:failed", lambda screen: "store-rows" not in screen)
                terminal.send("D")
                terminal.wait_for("Type night and Enter to go on.")
                terminal.send("night" + ENTER)
                terminal.wait_for("No run matches. Esc clears the filter.")
                terminal.send(ESCAPE)
                terminal.wait_for("all runs", "✔ completed  store-rows")
                terminal.send("q")
                assert terminal.wait_exit() == 0
                assert terminal.is_restored
    assert " ERROR " not in home.logged()
