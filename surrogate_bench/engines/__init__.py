"""Engines: they work off the chunks of a sweep, in this process or in others."""
