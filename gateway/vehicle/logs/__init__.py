"""Recorded logs: read as one, decoded with a vehicle's databases into tables and files, replayed on a vehicle's buses."""
