"""Looks at the machine: what of the gateway works here, what does not, and what to type. Knows `vehicle` and below."""

from gateway.doctor.examination import examine
from gateway.doctor.finding import Area, Finding, Standing, base_works

__all__ = ["Area", "Finding", "Standing", "base_works", "examine"]
