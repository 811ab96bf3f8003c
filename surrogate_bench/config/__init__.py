"""The configuration of a run: its schema, how words become it, and the command that repeats it."""
