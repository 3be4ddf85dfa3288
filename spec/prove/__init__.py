"""Proofs by CrossHair and z3, at fixed sizes and, in `unbounded`, for any size."""
