"""surrogate-bench: which loss should I train with when I care about metric M?"""

__version__ = "0.1.0"
