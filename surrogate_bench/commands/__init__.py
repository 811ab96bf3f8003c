"""Commands: a module for each verb, for training, for the check before it, and for a shell's completion."""
