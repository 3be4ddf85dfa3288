"""An example: pages of files in a device that is kept within a budget of memory."""
