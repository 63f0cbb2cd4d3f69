"""Lamella beside Keras on TensorFlow, JAX and torch, and beside plain torch and plain JAX, on the same work.

python -m benchmarks            every row, every peer that is installed (`make bench` installs them)
python -m benchmarks.scaling    how times and memory grow with depth, batch and data
python -m benchmarks.one ROW PEER    one measurement in this process, as a JSON line
"""
