"""What `keras.legacy` promises: configs as Keras 2 wrote them."""

from lamella.legacy import saving

__all__ = ["saving"]
