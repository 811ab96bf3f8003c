"""`python -m surrogate_bench` is the same program as `surrogate-bench`."""

import sys

from surrogate_bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
