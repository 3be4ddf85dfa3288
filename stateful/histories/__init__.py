"""Histories: who wrote what to a page and read what from it, and from when to when; whether an order explains them."""
