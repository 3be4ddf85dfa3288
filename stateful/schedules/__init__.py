"""Production code under schedules that are chosen, shrunk and replayed."""
