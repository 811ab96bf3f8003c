"""The machine: files, processes, signals, streams."""
