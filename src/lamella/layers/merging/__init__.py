"""Layers over a list of tensors."""
