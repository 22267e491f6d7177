"""``python -m durably_tui`` is the command ``durably-tui``."""

from .cli import main

main()
