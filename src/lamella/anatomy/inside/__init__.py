"""What passes inside of a model: taken out, or changed."""

from lamella.anatomy.inside.patch import Patch
from lamella.anatomy.inside.tap import Tap, tap
from lamella.anatomy.inside.within import Within

__all__ = ["Patch", "Tap", "Within", "tap"]
