"""Shell scripts: their words, structure and commands, read by a stranger who runs nothing."""
