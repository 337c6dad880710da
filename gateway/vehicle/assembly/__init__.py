"""From the file to a vehicle: each name in it found, each section made into buses, ECUs, routes, signals and services."""
