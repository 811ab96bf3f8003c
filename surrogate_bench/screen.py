"""What people see: a console whose reader may leave."""

import contextlib

from rich.console import Console


class Screen(Console):
    """Once its reader is gone, as `head` is after some lines, what is printed goes nowhere and the work goes on."""

    def on_broken_pipe(self) -> None:
        """Turns the standard output to nowhere, without rich's end of the program."""
        with contextlib.suppress(SystemExit):
            super().on_broken_pipe()
