"""The version, for everybody below the top."""

__version__ = "0.1.0"
