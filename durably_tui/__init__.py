"""Watch and steer Durably jobs from the terminal and from Python."""
