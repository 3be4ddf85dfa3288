"""Mutation testing of the model."""
