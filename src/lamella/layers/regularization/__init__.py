"""Layers that make training harder, so that a model generalizes."""
