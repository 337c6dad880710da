"""What people look at: the live view of a run and its summary, the feed below monitor and web page. Knows everything below."""

from gateway.ui.run_view import RunView

__all__ = ["RunView"]
