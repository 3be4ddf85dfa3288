"""Every public call against every other, in states that make them meaningful, under schedules that make them meet."""
