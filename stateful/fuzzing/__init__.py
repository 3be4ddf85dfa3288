"""Everything random there is, taken in turns for as long as one likes."""
