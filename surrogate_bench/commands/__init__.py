"""Commands: one module a verb."""
