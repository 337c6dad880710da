"""What the recorder has written beside frames and as events, read back (`gateway.vehicle` has both ends)."""

from gateway.vehicle import Decided, FrameNote, SourceNote, decided_in, note_of

__all__ = ["Decided", "FrameNote", "SourceNote", "decided_in", "note_of"]
