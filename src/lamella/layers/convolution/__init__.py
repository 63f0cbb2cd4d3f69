"""Learned windows that slide over spatial axes."""
