"""Devices of others, tested through the seam."""
