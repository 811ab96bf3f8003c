"""Sweeps: planned, shared out, trained, shown."""
