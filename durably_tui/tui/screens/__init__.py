"""The places of the monitor, and the questions that it asks over them."""
