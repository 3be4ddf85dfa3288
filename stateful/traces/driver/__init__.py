"""Traces of the kernel's own driver: what its probes saw, converted into the format that the specification judges.

`tests/kernel` records them; nothing here needs a kernel.
"""
