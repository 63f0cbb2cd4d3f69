"""What calls cost: multiply-accumulates, parameters, memory."""

from lamella.anatomy.cost.calls import CallCost, Costs, costs
from lamella.anatomy.cost.growth import Growth
from lamella.anatomy.cost.memory import Memory

__all__ = ["CallCost", "Costs", "Growth", "Memory", "costs"]
