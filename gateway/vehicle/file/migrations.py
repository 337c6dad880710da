"""Functions of ECUs that move to services, in the vehicle file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.vehicle.file.words import Duration, OneOrMore, Section

Mode = Literal["shadow", "canary", "cut-over"]


class CanarySpec(Section):
    """When the service's output counts while it is tried out."""

    share: float = Field(1.0, gt=0, le=1, allow_inf_nan=False, description="In this share of the spans")
    span: Duration = Field(1_000_000_000, description="So long each")
    when: str | None = Field(None, description="And only while this holds of the ECU's message, like `Brake == Off`")


class StepSpec(Section):
    """Another mode, at a time; none after it has fallen back."""

    at: Duration = Field(description="Since power on")
    mode: Mode


class MigrationSpec(Section):
    """A function of an ECU and the service that is to have it: both compute, one of them counts."""

    source: str = Field(alias="from", description="ECU.Message")
    service: str = Field(alias="to", description="A unit with `python` on one of the nodes")
    signals: OneOrMore = Field(default_factory=list, description="What the service computes of it; all if absent")
    mode: Mode = Field("shadow", description="shadow: the ECU's output counts, differences are noted")
    canary: CanarySpec = Field(default_factory=lambda: CanarySpec.model_validate({}))
    deadline: Duration = Field(50_000_000, description="So long they may differ and the service be silent; then back")
    tolerance: float = Field(0, ge=0, allow_inf_nan=False, description="Numbers may differ by so much")
    steps: list[StepSpec] = Field(default_factory=list)
