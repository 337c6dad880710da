"""DBC, KCD, SYM and ARXML files as messages and signals with generated codecs. Knows no other room."""

from gateway.database.database import Database, joined
from gateway.database.diagnostic import Diagnostic, Severity
from gateway.database.encoding import bits_of, physical_limits
from gateway.database.errors import DatabaseError, EncodeError
from gateway.database.loader import load
from gateway.database.message import Labels, Message, SendType, Values
from gateway.database.shared import load_shared
from gateway.database.signal import Signal

__all__ = [
    "Database",
    "DatabaseError",
    "Diagnostic",
    "EncodeError",
    "Labels",
    "Message",
    "SendType",
    "Severity",
    "Signal",
    "Values",
    "bits_of",
    "joined",
    "load",
    "load_shared",
    "physical_limits",
]
