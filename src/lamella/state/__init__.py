"""Where arrays live, and how a call sees them."""

from lamella.state.alias import aliases
from lamella.state.frame import Frame, Trial, current, frame
from lamella.state.masks import get_mask, set_mask
from lamella.state.names import auto_name, get_uid, reset_names, to_snake_case
from lamella.state.pure import State, StateView, grad, pure, state_of, value_and_grad, write_state
from lamella.state.remat import RematMode, RematScope, current_remat, remat
from lamella.state.scopes import StatelessScope, SymbolicScope, device, name_scope
from lamella.state.seed import (
    SeedGenerator,
    draw_seed,
    global_seed,
    global_seed_if_used,
    make_default_seed,
    reset_global_seed,
)
from lamella.state.untouched import untouched
from lamella.state.variable import Variable, changes
from lamella.state.walk import Owner, at, attribute_children, walk, walk_all

__all__ = [
    "Frame",
    "Owner",
    "RematMode",
    "RematScope",
    "SeedGenerator",
    "State",
    "StateView",
    "StatelessScope",
    "SymbolicScope",
    "Trial",
    "Variable",
    "aliases",
    "at",
    "attribute_children",
    "auto_name",
    "changes",
    "current",
    "current_remat",
    "device",
    "draw_seed",
    "frame",
    "get_mask",
    "get_uid",
    "global_seed",
    "global_seed_if_used",
    "grad",
    "make_default_seed",
    "name_scope",
    "pure",
    "remat",
    "reset_global_seed",
    "reset_names",
    "set_mask",
    "state_of",
    "to_snake_case",
    "untouched",
    "value_and_grad",
    "walk",
    "walk_all",
    "write_state",
]
