"""The model said again in other words: frame conditions, enabling conditions, tables."""
