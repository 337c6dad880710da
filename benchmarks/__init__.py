"""Measurements: each figure as a ratio against what a user would write today, taken in the same run."""
