"""Widgets that show attributes and post messages. None of them does I/O or knows a server."""
