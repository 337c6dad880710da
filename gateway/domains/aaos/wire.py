"""Between the HAL's values and the messages of the proto."""

from __future__ import annotations

from typing import Any

from gateway.domains.aaos import vehicle_server_pb2 as proto
from gateway.domains.aaos.property import ValueType
from gateway.domains.aaos.values import AreaConfig, Place, PropertyConfig, PropertyValue, RawValue


def value_message(value: PropertyValue) -> Any:
    """A `VehiclePropValue`."""
    raw = value.raw
    return proto.VehiclePropValue(
        timestamp=value.time_ns,
        area_id=value.place.area,
        prop=value.place.prop,
        status=int(value.status),  # type: ignore[arg-type]
        int32_values=raw.int32,
        float_values=raw.floats,
        int64_values=raw.int64,
        byte_values=raw.bytes,
        string_value=raw.string,
    )


def place_of(message: Any) -> Place:
    """Where a `VehiclePropValue` belongs."""
    return Place(message.prop, message.area_id)


def raw_of(message: Any) -> RawValue:
    """What a `VehiclePropValue` holds."""
    return RawValue(
        tuple(message.int32_values),
        tuple(message.float_values),
        tuple(message.int64_values),
        message.byte_values,
        message.string_value,
    )


def raw_message(raw: RawValue) -> Any:
    """A `RawPropValues`."""
    return proto.RawPropValues(
        int32_values=raw.int32,
        float_values=raw.floats,
        int64_values=raw.int64,
        byte_values=raw.bytes,
        string_value=raw.string,
    )


def number(value_type: ValueType, value: float) -> RawValue:
    """A limit, or a supported value, in the list of its type."""
    if value_type in (ValueType.FLOAT, ValueType.FLOAT_VEC):
        return RawValue(floats=(float(value),))
    if value_type in (ValueType.INT64, ValueType.INT64_VEC):
        return RawValue(int64=(int(value),))
    return RawValue(int32=(int(value),))


def config_message(config: PropertyConfig) -> Any:
    """A `VehiclePropConfig`."""
    return proto.VehiclePropConfig(
        prop=config.prop.id,
        access=int(config.access),  # type: ignore[arg-type]
        change_mode=int(config.prop.change_mode),  # type: ignore[arg-type]
        area_configs=[_area_message(config, area) for area in config.areas.values()],
        config_array=config.config_array,
        config_string=config.config_string,
        min_sample_rate=config.min_rate,
        max_sample_rate=config.max_rate,
    )


def _area_message(config: PropertyConfig, area: AreaConfig) -> Any:
    message = proto.VehicleAreaConfig(
        area_id=area.area,
        access=int(config.access_in(area.area)),  # type: ignore[arg-type]
        supported_enum_values=area.enum_values,
        support_variable_update_rate=area.variable_rate,
    )
    has = (area.minimum is not None, area.maximum is not None, bool(area.enum_values))
    if any(has):
        message.has_supported_value_info.CopyFrom(
            proto.HasSupportedValueInfo(
                has_min_supported_value=has[0], has_max_supported_value=has[1], has_supported_values_list=has[2]
            )
        )
    kind = {"INT32": "int32", "INT64": "int64", "FLOAT": "float"}.get(config.prop.value_type.name)
    if kind is not None:
        for end, limit in (("min", area.minimum), ("max", area.maximum)):
            if limit is not None:
                setattr(message, f"{end}_{kind}_value", float(limit) if kind == "float" else int(limit))
    return message
