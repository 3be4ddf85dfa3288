"""The device beside the specification, compared after every step."""
