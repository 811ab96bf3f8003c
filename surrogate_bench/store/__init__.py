"""The store: a run's files, its id, its locks, and the record of its origin."""
