"""Calls with arguments of any kind."""
