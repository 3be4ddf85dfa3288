"""Shared by the techniques: pages with a stamp, an independent recount."""
