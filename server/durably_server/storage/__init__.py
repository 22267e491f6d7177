"""Databases that fit the engine's Store port, one folder each."""
