"""`python -m surrogate_bench` is the same program as `surrogate-bench`."""

from surrogate_bench.cli import program

if __name__ == "__main__":
    program()
