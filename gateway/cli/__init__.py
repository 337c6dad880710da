"""The command line, one file a command. Knows everything below; nothing knows it."""

from __future__ import annotations

import sys


def main() -> None:
    """The command `gateway`. Exit codes: 0, 1 (the run failed), 2 (bad input or usage)."""
    from gateway.cli.app import make_app
    from gateway.cli.arguments import with_default_addresses
    from gateway.errors import GatewayError

    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    try:
        make_app(wanted)(args=with_default_addresses(sys.argv[1:]))
    except GatewayError as error:
        sys.stderr.write(f"gateway: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`gateway ... | head`): that is its right.
        sys.stderr.close()
        sys.exit(0)
