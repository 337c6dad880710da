"""The Android Automotive domain: a vehicle HAL over the signals, served over gRPC. Knows `routing`."""

from gateway.domains.aaos.build import build_hal
from gateway.domains.aaos.clients import EVERYBODY, Client, Clients
from gateway.domains.aaos.hal import Reading, SubscribeOptions, VehicleHal
from gateway.domains.aaos.property import Access, AreaType, ChangeMode, Property, ValueType, system_properties
from gateway.domains.aaos.values import Place, PropertyValue, RawValue, Status, StatusCode

__all__ = [
    "EVERYBODY",
    "Access",
    "AreaType",
    "ChangeMode",
    "Client",
    "Clients",
    "Place",
    "Property",
    "PropertyValue",
    "RawValue",
    "Reading",
    "Status",
    "StatusCode",
    "SubscribeOptions",
    "ValueType",
    "VehicleHal",
    "build_hal",
    "system_properties",
]
