"""Where time passes: the kernel, the clocks, the asyncio loop and the random streams. Knows no other room."""
