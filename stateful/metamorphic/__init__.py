"""Programs run in several ways that must not matter: batch sizes, and orders in which writes are answered."""
