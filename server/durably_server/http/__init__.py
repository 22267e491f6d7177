"""The engine over HTTP: the routes and event streams of the Durably protocol."""
