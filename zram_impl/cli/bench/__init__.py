"""`bench`: what the device costs, by bars of its own, beside others, and the published curves."""
