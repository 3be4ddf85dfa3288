"""The commands of `python -m zram_impl`: `demo` and `bench`. Nothing else of the package imports this."""
