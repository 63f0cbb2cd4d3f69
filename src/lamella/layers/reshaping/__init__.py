"""Layers that move numbers about and compute nothing."""
