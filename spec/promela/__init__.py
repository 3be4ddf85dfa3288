"""An independent model in Promela, compared state for state under SPIN."""
