"""`python -m surrogate_bench` is the same program as `surrogate-bench`."""

import os
import sys

if __name__ == "__main__":
    # Python puts the folder that it runs in first, whose hydra_plugins/*.py would run as Hydra's plugins.
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not sys.flags.safe_path and sys.path and os.path.abspath(sys.path[0] or here) != here:
        del sys.path[0]

    from surrogate_bench.cli import program

    program()
