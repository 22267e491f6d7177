"""Run durable Python jobs and serve them over the Durably protocol."""
