"""What `keras.preprocessing.sequence` promises."""

from lamella.utils import pad_sequences

__all__ = ["pad_sequences"]
