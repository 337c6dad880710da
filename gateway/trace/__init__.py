"""Recordings: pcapng and the log formats of the field, written and read. Knows `can` and `sim`."""
