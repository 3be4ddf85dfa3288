"""Functions in processes of their own, and what ends a command: INT, TERM and HUP alike, with nothing left behind."""
