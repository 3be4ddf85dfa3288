"""The proof for any number of slots, blocks, requests and readers, and any limit."""
