"""vehicle-gateway: a whole vehicle from one file, in deterministic virtual time."""

__version__ = "0.1.0"
