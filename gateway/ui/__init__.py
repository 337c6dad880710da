"""What people look at: the live view of a run and its summary. Knows everything below."""

from gateway.ui.run_view import RunView

__all__ = ["RunView"]
