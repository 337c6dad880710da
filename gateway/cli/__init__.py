"""The command line, one file a command. Knows everything below; nothing knows it."""

from __future__ import annotations

import errno
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_CANNOT_WRITE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_INTERRUPTED: Final = 130
"""As a shell has it: 128 and the number of SIGINT."""


class _EndedByInterrupt:
    """Ctrl-C ends the program at once, and silently: an error in the middle of an import is reported as a traceback."""

    def __enter__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        try:  # only the main thread can set anything
            if self._before is signal.SIG_IGN:
                # A script's shell starts `gateway run &` so; `kill -INT` shall end it all the same, as it ends candump.
                self._before = signal.default_int_handler
            if self._before is signal.default_int_handler:
                signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
        except ValueError:
            self._before = None

    def __exit__(self, *_: object) -> None:
        if self._before is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._before)


def main() -> None:
    """The command `gateway`. Exit codes: 0, 1 (the run failed), 2 (bad input or usage), 130 (Ctrl-C)."""
    with _EndedByInterrupt():
        from gateway.cli.app import make_app
        from gateway.cli.arguments import with_default_addresses
        from gateway.errors import GatewayError

        wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
        app = make_app(wanted)
    try:
        try:
            app(args=with_default_addresses(sys.argv[1:]))
        finally:
            sys.stdout.flush()
    except GatewayError as error:
        sys.stderr.write(f"gateway: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)  # before a command has begun, or after it has ended
    except BrokenPipeError:
        # The reader of our output has gone (`gateway ... | head`): that is its right.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.filename is not None or error.errno not in _CANNOT_WRITE:
            raise
        # What is left in the buffer would be tried again, and fail again, at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"gateway: the output cannot be written: {(error.strerror or str(error)).lower()}\n")
        sys.exit(1)
