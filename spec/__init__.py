"""What is true: the executable specification of zram slot states and writeback."""
