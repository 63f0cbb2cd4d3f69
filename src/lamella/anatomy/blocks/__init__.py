"""Blocks of layers that belong together, and how models are counted."""

from lamella.anatomy.blocks.block import Block, Run, blocks, runs
from lamella.anatomy.blocks.counts import Counts, counts

__all__ = ["Block", "Counts", "Run", "blocks", "counts", "runs"]
