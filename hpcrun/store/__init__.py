"""The outside that hpcrun keeps itself: run folders, commands, the clock."""
