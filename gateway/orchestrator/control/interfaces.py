"""BlueChi's public interfaces as tables: methods, signals and properties with their signatures, and as XML."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple
from xml.sax.saxutils import quoteattr

from gateway.orchestrator.control.messages import CONTROLLER_NAME

UNIT_TUPLE: Final = "(ssssssouso)"


class Emits(Enum):
    """Whether a property's changes are told."""

    CHANGE = "true"
    CONST = "const"
    NOTHING = "false"


class Method(NamedTuple):
    """Names and signatures of the arguments: `takes` and `gives` as `name:signature` words."""

    takes: str = ""
    gives: str = ""

    @property
    def signature(self) -> str:
        return _signature(self.takes)

    @property
    def returns(self) -> str:
        return _signature(self.gives)


class Property(NamedTuple):
    signature: str
    emits: Emits


class Interface(NamedTuple):
    name: str
    methods: Mapping[str, Method]
    signals: Mapping[str, str]
    properties: Mapping[str, Property]


def _signature(words: str) -> str:
    return "".join(word.partition(":")[2] for word in words.split())


_JOB: Final = Method("unit:s mode:s", "job:o")
_CHANGES: Final = "changes:a(sss)"
CONTROLLER: Final = Interface(
    f"{CONTROLLER_NAME}.Controller",
    {
        "ListUnits": Method("", f"units:a{{sa{UNIT_TUPLE}}}"),
        "ListUnitFiles": Method("", "unit_files:a{sa(ss)}"),
        "ListNodes": Method("", "nodes:a(soss)"),
        "GetNode": Method("name:s", "path:o"),
        "CreateMonitor": Method("", "monitor:o"),
        "SetLogLevel": Method("loglevel:s"),
        "EnableMetrics": Method(),
        "DisableMetrics": Method(),
    },
    {"JobNew": "id:u job:o", "JobRemoved": "id:u job:o node:s unit:s result:s"},
    {
        "Status": Property("s", Emits.CHANGE),
        "LogLevel": Property("s", Emits.NOTHING),
        "LogTarget": Property("s", Emits.CONST),
    },
)
NODE: Final = Interface(
    f"{CONTROLLER_NAME}.Node",
    {
        "StartUnit": _JOB,
        "StopUnit": _JOB,
        "ReloadUnit": _JOB,
        "RestartUnit": _JOB,
        "StartTransientUnit": Method("unit:s mode:s properties:a(sv) aux:a(sa(sv))", "job:o"),
        "FreezeUnit": Method("unit:s"),
        "ThawUnit": Method("unit:s"),
        "KillUnit": Method("unit:s who:s signal:i"),
        "GetUnitProperties": Method("unit:s interface:s", "props:a{sv}"),
        "GetUnitProperty": Method("unit:s interface:s property:s", "value:v"),
        "SetUnitProperties": Method("unit:s runtime:b keyvalues:a(sv)"),
        "EnableUnitFiles": Method("files:as runtime:b force:b", f"carries_install_info:b {_CHANGES}"),
        "DisableUnitFiles": Method("files:as runtime:b", _CHANGES),
        "ListUnits": Method("", f"units:a{UNIT_TUPLE}"),
        "ListUnitFiles": Method("", "unit_files:a(ss)"),
        "GetUnitFileState": Method("file:s", "state:s"),
        "Reload": Method(),
        "SetLogLevel": Method("level:s"),
        "ResetFailed": Method(),
        "ResetFailedUnit": Method("unit:s"),
        "GetDefaultTarget": Method("", "default_target:s"),
        "SetDefaultTarget": Method("default_target:s force:b", _CHANGES),
    },
    {},
    {
        "Name": Property("s", Emits.CONST),
        "Status": Property("s", Emits.CHANGE),
        "PeerIp": Property("s", Emits.NOTHING),
        "LastSeenTimestamp": Property("t", Emits.NOTHING),
        "LastSeenTimestampMonotonic": Property("t", Emits.NOTHING),
    },
)
JOB: Final = Interface(
    f"{CONTROLLER_NAME}.Job",
    {"Cancel": Method()},
    {},
    {
        "Id": Property("u", Emits.CONST),
        "Node": Property("s", Emits.CONST),
        "Unit": Property("s", Emits.CONST),
        "JobType": Property("s", Emits.CONST),
        "State": Property("s", Emits.CHANGE),
    },
)
MONITOR: Final = Interface(
    f"{CONTROLLER_NAME}.Monitor",
    {
        "Close": Method(),
        "Subscribe": Method("node:s unit:s", "id:u"),
        "SubscribeList": Method("node:s units:as", "id:u"),
        "Unsubscribe": Method("id:u"),
        "AddPeer": Method("name:s", "id:u"),
        "RemovePeer": Method("id:u reason:s"),
    },
    {
        "UnitPropertiesChanged": "node:s unit:s interface:s props:a{sv}",
        "UnitNew": "node:s unit:s reason:s",
        "UnitStateChanged": "node:s unit:s active_state:s sub_state:s reason:s",
        "UnitRemoved": "node:s unit:s reason:s",
        "PeerRemoved": "reason:s",
    },
    {},
)
METRICS: Final = Interface(
    f"{CONTROLLER_NAME}.Metrics",
    {},
    {
        "StartUnitJobMetrics": "node:s job_id:s unit:s job_measured_time_micros:t unit_start_prop_time_micros:t",
        "AgentJobMetrics": "node:s unit:s method:s job_time_micros:t",
    },
    {},
)
AGENT: Final = Interface(
    f"{CONTROLLER_NAME}.Agent",
    {
        "CreateProxy": Method("local_service_name:s node:s unit:s"),
        "RemoveProxy": Method("local_service_name:s node:s unit:s"),
        "SwitchController": Method("dbus_address:s"),
    },
    {},
    {
        "Status": Property("s", Emits.CHANGE),
        "LogLevel": Property("s", Emits.NOTHING),
        "LogTarget": Property("s", Emits.CONST),
        "DisconnectTimestamp": Property("t", Emits.NOTHING),
        "DisconnectTimestampMonotonic": Property("t", Emits.NOTHING),
        "LastSeenTimestamp": Property("t", Emits.NOTHING),
        "LastSeenTimestampMonotonic": Property("t", Emits.NOTHING),
        "ControllerAddress": Property("s", Emits.CHANGE),
    },
)
_EMITS: Final = "org.freedesktop.DBus.Property.EmitsChangedSignal"
STANDARD: Final = """\
 <interface name="org.freedesktop.DBus.Peer">
  <method name="Ping"/>
  <method name="GetMachineId">
   <arg type="s" name="machine_uuid" direction="out"/>
  </method>
 </interface>
 <interface name="org.freedesktop.DBus.Introspectable">
  <method name="Introspect">
   <arg name="xml_data" type="s" direction="out"/>
  </method>
 </interface>
 <interface name="org.freedesktop.DBus.Properties">
  <method name="Get">
   <arg name="interface_name" direction="in" type="s"/>
   <arg name="property_name" direction="in" type="s"/>
   <arg name="value" direction="out" type="v"/>
  </method>
  <method name="GetAll">
   <arg name="interface_name" direction="in" type="s"/>
   <arg name="props" direction="out" type="a{sv}"/>
  </method>
  <method name="Set">
   <arg name="interface_name" direction="in" type="s"/>
   <arg name="property_name" direction="in" type="s"/>
   <arg name="value" direction="in" type="v"/>
  </method>
  <signal name="PropertiesChanged">
   <arg type="s" name="interface_name"/>
   <arg type="a{sv}" name="changed_properties"/>
   <arg type="as" name="invalidated_properties"/>
  </signal>
 </interface>
"""


def _args(words: str, direction: str = "") -> str:
    found = []
    for word in words.split():
        name, _, signature = word.partition(":")
        way = f' direction="{direction}"' if direction else ""
        found.append(f'   <arg type="{signature}" name="{name}"{way}/>\n')
    return "".join(found)


def interface_xml(interface: Interface) -> str:
    """An interface as introspection data."""
    lines = [f" <interface name={quoteattr(interface.name)}>\n"]
    for name, method in interface.methods.items():
        lines.append(f'  <method name="{name}">\n{_args(method.takes, "in")}{_args(method.gives, "out")}  </method>\n')
    for name, arguments in interface.signals.items():
        lines.append(f'  <signal name="{name}">\n{_args(arguments)}  </signal>\n')
    for name, given in interface.properties.items():
        lines.append(f'  <property name="{name}" type="{given.signature}" access="read">\n')
        if given.emits is not Emits.CHANGE:
            lines.append(f'   <annotation name="{_EMITS}" value="{given.emits.value}"/>\n')
        lines.append("  </property>\n")
    return "".join([*lines, " </interface>\n"])


def object_xml(interfaces: tuple[Interface, ...], children: list[str]) -> str:
    """What `Introspect` answers for an object with these interfaces and the objects below it."""
    head = (
        '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
        '"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n<node>\n'
    )
    body = STANDARD + "".join(interface_xml(interface) for interface in interfaces) if interfaces else ""
    nodes = "".join(f" <node name={quoteattr(child)}/>\n" for child in children)
    return f"{head}{body}{nodes}</node>\n"
