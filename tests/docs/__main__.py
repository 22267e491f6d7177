"""``make docs``: write every page that is made from declarations."""

from __future__ import annotations

from tests.docs.pages import DOCS, PAGES


def main() -> None:
    """Write those that are stale, and say which."""
    DOCS.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        page = DOCS / name
        text = make()
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")
            print(f"docs/{name}")


if __name__ == "__main__":
    main()
