"""The vehicle file itself: its words and their schema, and reading it with the line of every fault. Builds nothing."""
