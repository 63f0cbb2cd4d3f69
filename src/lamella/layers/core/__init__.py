"""The layers that most models start with."""
