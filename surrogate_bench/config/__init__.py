"""The configuration of a run: its schema, how it is read, its identity, and the command that repeats it."""
