"""A graph with a fit button: Model, Functional, Sequential."""

from lamella.models.cloning import clone_model
from lamella.models.files import load_model, model_from_json, save_model
from lamella.models.functional import Functional
from lamella.models.model import Model
from lamella.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
