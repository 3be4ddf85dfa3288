"""Specification and implementation side by side."""
