"""The specification itself, ten files; `spec` names them in reading order."""
