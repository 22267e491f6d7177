"""The picture: what the state says, drawn by Textual."""
