"""What a model, a layer or a weight is, in words; every number is read off the graph."""

from lamella.anatomy.explain.explain import explain
from lamella.anatomy.explain.explanation import Explanation

__all__ = ["Explanation", "explain"]
