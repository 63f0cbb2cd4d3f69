"""Windows without weights."""
