"""The commands, one file each; `main` loads only the one that is called."""
