"""The command line, one file a command. Knows everything below; nothing knows it."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

_CANNOT_WRITE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


def main() -> None:
    """The command `gateway`. Exit codes: 0, 1 (the run failed), 2 (bad input or usage)."""
    from gateway.cli.app import make_app
    from gateway.cli.arguments import with_default_addresses
    from gateway.errors import GatewayError

    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    try:
        try:
            make_app(wanted)(args=with_default_addresses(sys.argv[1:]))
        finally:
            sys.stdout.flush()
    except GatewayError as error:
        sys.stderr.write(f"gateway: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)  # before a command has begun, or after it has ended
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
