"""What whole recordings show, without a run: figures, differences, plots, guesses. Knows `vehicle` and below.

Each part is imported from its own module, so that a command loads only what it needs.
"""
