"""Jobs in processes of their own: runner, progress, report."""
