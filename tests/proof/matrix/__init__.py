"""The interop matrix: one story, told by every client to every server."""
