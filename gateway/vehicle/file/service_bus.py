"""MQTT and Zenoh in the vehicle file: what `--bus` does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.vehicle.file.words import Duration, OneOrMore, Section


class SignalRuleSpec(Section):
    """When signals go out to a service bus, and how surely."""

    paths: OneOrMore = Field(description="VSS paths; * is one level, ** any number, a branch all below it")
    send: Literal["on_change", "each", "cyclic"] = Field("on_change", description="What makes a value go out")
    epsilon: float = Field(0, ge=0, allow_inf_nan=False, description="Numbers that differ by no more are the same")
    every: Duration = Field(10_000_000_000, description="Again after so long, though nothing changed; 0s for never")
    interval: Duration = Field(0, description="The smallest time between two")
    qos: Literal[0, 1, 2] = Field(0, description="MQTT: quality of service")


class MqttSpec(Section):
    """MQTT: what `--bus mqtt` does."""

    prefix: str = Field("vss", description="Before the signals' topics")
    name: str | None = Field(
        None, description="Client identifier, and name below PREFIX/gateways; the vehicle's if absent"
    )
    version: Literal["5", "3.1.1"] = Field("5", description="MQTT's version; the broker of our own speaks 3.1.1")
    username: str | None = Field(None, description="To the broker")
    password_file: str | None = Field(None, description="File whose first line is the password")
    tls: bool = Field(False, description="TLS, as mqtts:// means")
    ca: str | None = Field(None, description="TLS: who signed the broker's certificate (PEM); the system's if absent")
    certificate: str | None = Field(None, description="TLS: our certificate (PEM), where the broker wants one")
    private_key: str | None = Field(None, description="TLS: its private key (PEM)")
    keepalive: Duration = Field(5_000_000_000, description="A broker silent for longer is lost; whole seconds")
    rules: list[SignalRuleSpec] = Field(default_factory=list, description="The first that matches a signal counts")


class ZenohSpec(Section):
    """Zenoh: what `--bus zenoh` does."""

    prefix: str = Field("vss", description="Before the signals' keys")
    name: str | None = Field(None, description="Name below PREFIX/gateways; the vehicle's if absent")
    mode: Literal["peer", "client", "router"] | None = Field(
        None, description="Zenoh's mode of this session; client where there is an endpoint to connect to, else peer"
    )
    connect: OneOrMore = Field(default_factory=list, description="Endpoints to connect to, like tcp/10.0.0.1:7447")
    listen: OneOrMore = Field(default_factory=list, description="Endpoints to listen at; this machine only if absent")
    config: str | None = Field(None, description="Zenoh's own configuration (JSON5), instead of mode, connect, listen")
    take: OneOrMore = Field(default_factory=list, description="VSS paths whose values come from other gateways")
    rules: list[SignalRuleSpec] = Field(default_factory=list, description="The first that matches a signal counts")
