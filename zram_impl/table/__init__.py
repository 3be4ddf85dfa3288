"""The data that the table lock guards: slots, blocks, segments, budget, access times."""
