"""Against real servers of each generation."""
