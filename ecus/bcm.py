"""The body control module: ignition, doors, lights, wipers."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu, every, on

from .windows import Windows
from .wishes import Wishes

DOORS: Final = ("FrontLeft", "FrontRight", "RearLeft", "RearRight")
HALF_BLINK_NS: Final = 333_333_333
"""Lamps on and off for so long: 1.5 Hz."""
AUTO_LOCK_KMH: Final = 15.0
DARK_LX: Final = 1000.0
BRIGHT_LX: Final = 2000.0
RAIN_STEPS: Final = ((70.0, "Fast"), (40.0, "Slow"), (10.0, "Interval"))


class Bcm:
    """Inputs: `ignition` (Off, Accessory, On); `lock` (a button: None, Lock, Unlock); `front_left`, `front_right`,
    `rear_left`, `rear_right`, `trunk`, `hood` (Closed, Open)."""

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.locked = [False] * 4
        self.lock_cause = "None"
        self.hazard = False
        self.hazard_source = "None"
        self.indicator = "Off"
        self.blink_since_ns = 0
        self.dark = False
        self.last_speed_kmh = 0.0
        self.last_button = "None"
        self.last_switch = "Off"
        self.crashed = False
        self.ignition = ecu.input("ignition", "Off")
        self.lock_button = ecu.input("lock", "None")
        names = ("front_left", "front_right", "rear_left", "rear_right")
        self.door_contacts = [ecu.input(name, "Closed") for name in names]
        self.trunk = ecu.input("trunk", "Closed")
        self.hood = ecu.input("hood", "Closed")
        self.hazard_switch = ecu.rx("HazardSwitch.Pressed")
        self.turn = ecu.rx("Stalk.Turn")
        self.light_switch = ecu.rx("Stalk.LightSwitch")
        self.wiper_switch = ecu.rx("Stalk.WiperSwitch")
        self.high_beam = ecu.rx("Stalk.HighBeam")
        self.brightness = ecu.rx("RainLight.Brightness")
        self.rain = ecu.rx("RainLight.Rain")
        self.speed = ecu.rx("VehicleSpeed.Speed")
        self.crash = ecu.rx("CrashStatus.Crash")
        self.braking = ecu.rx("DriveInfo.BrakePressed")
        self.gear = ecu.rx("DriveInfo.Gear")
        self.remote_hazard = ecu.rx("RemoteHazard.Hazard")
        self.remote_light = ecu.rx("RemoteLight.LowBeam")
        self.remote_locks = Wishes(ecu, "RemoteLocks", DOORS)
        self.windows = Windows(ecu) if "doors" in ecu.ports else None
        self.lamp = {
            name: ecu.tx(f"LightCommand.{name}")
            for name in ("Left", "Right", "LowBeam", "HighBeam", "Position", "Daytime", "Brake", "Reverse", "Interior")
        }
        self.indicator_out = ecu.tx("LightStatus.Indicator")
        self.hazard_source_out = ecu.tx("LightStatus.HazardSource")
        self.auto_light_out = ecu.tx("LightStatus.AutoLight")
        self.wiper_out = ecu.tx("LightStatus.Wiper")
        self.open_out = [ecu.tx(f"DoorStatus.{door}Open") for door in DOORS]
        self.locked_out = [ecu.tx(f"DoorStatus.{door}Locked") for door in DOORS]
        self.trunk_out = ecu.tx("DoorStatus.TrunkOpen")
        self.hood_out = ecu.tx("DoorStatus.HoodOpen")
        self.lock_cause_out = ecu.tx("DoorStatus.LockCause")
        self.terminal_out = ecu.tx("KeyStatus.Terminal")

    @property
    def awake(self) -> bool:
        return str(self.ignition.value) == "On"

    @property
    def turned(self) -> str:
        """Left, Right or Off; a position that the stalk does not have counts as Off."""
        position = self.turn.label
        return str(position) if position in {"Left", "Right"} else "Off"

    # What comes by bus

    @on("HazardSwitch")
    def hazard_switched(self) -> None:
        """The switch counts when it moves: so the last word is that of the driver or of the remote command."""
        position = str(self.hazard_switch.label)
        if position != self.last_switch:
            self.last_switch = position
            self._set_hazard(position == "On", "Switch")

    @on("RemoteHazard")
    def hazard_wished(self) -> None:
        if self.remote_hazard.label != "None":
            self._set_hazard(self.remote_hazard.label == "On", "Remote")

    @on("RemoteLight")
    def light_wished(self) -> None:
        """Low beam on, whatever the switch says; off leaves it to the switch again."""
        self.control_lights()

    @on("RemoteLocks")
    def locks_wished(self) -> None:
        for door, wish in self.remote_locks.take().items():
            if wish != "None":
                self._lock([door], wish == "Lock", "Remote")

    @on("RemoteWindows")
    def windows_wished(self) -> None:
        if self.windows is not None:
            self.windows.wished()

    @on("CrashStatus")
    def crash_told(self) -> None:
        """All doors unlocked, hazard lights on, once a crash."""
        if self.crash.value != 0 and not self.crashed:
            self.crashed = True
            self._lock(DOORS, False, "Crash")
            self._set_hazard(True, "Crash")

    @on("VehicleSpeed")
    def lock_while_driving(self) -> None:
        """All closed doors are locked when the speed passes 15 km/h."""
        before, self.last_speed_kmh = self.last_speed_kmh, self.speed.value
        if before <= AUTO_LOCK_KMH < self.last_speed_kmh and not self.crashed:
            closed = [door for door, contact in zip(DOORS, self.door_contacts, strict=True) if contact.value != "Open"]
            self._lock(closed, True, "Speed")

    @on("DriveInfo")
    def drive_told(self) -> None:
        """Brake and reverse lamps at once."""
        self.lamp["Brake"].value = self.braking.label
        self.lamp["Reverse"].value = "On" if self.gear.label == "R" and self.awake else "Off"

    # What is looked at each 20 ms

    @every("20ms")
    def control(self) -> None:
        self.terminal_out.value = str(self.ignition.value)
        self._scan_doors()
        self.control_lights()
        self._wipe()
        if self.windows is not None:
            self.windows.switched()
            self.windows.control(str(self.ignition.value) != "Off")

    def _scan_doors(self) -> None:
        button = str(self.lock_button.value)
        if button not in {"None", self.last_button}:
            self._lock(DOORS, button == "Lock", "Button")
        self.last_button = button
        doors_open = [contact.value == "Open" for contact in self.door_contacts]
        for out, is_open in zip(self.open_out, doors_open, strict=True):
            out.value = "Yes" if is_open else "No"
        self.trunk_out.value = "Yes" if self.trunk.value == "Open" else "No"
        self.hood_out.value = "Yes" if self.hood.value == "Open" else "No"
        self.lamp["Interior"].value = "On" if any(doors_open) else "Off"

    def control_lights(self) -> None:
        switch = self.light_switch.label
        lux = self.brightness.value
        self.dark = lux < DARK_LX or (self.dark and lux < BRIGHT_LX)
        automatic = switch == "Auto" and self.dark
        low_beam = self.awake and (switch == "LowBeam" or automatic or self.remote_light.label == "On")
        self._light("LowBeam", low_beam)
        self._light("HighBeam", low_beam and self.high_beam.label == "On")
        self._light("Position", low_beam or switch == "Position")
        self._light("Daytime", self.awake and not low_beam)
        self.auto_light_out.value = "On" if automatic else "Off"
        self._indicate()

    def _indicate(self) -> None:
        """Hazard overrides turn; the lamps are on in the first half of each period."""
        wanted = "Hazard" if self.hazard else self.turned if self.awake else "Off"
        now = self.ecu.now_ns
        if wanted != self.indicator:
            self.indicator = wanted
            self.blink_since_ns = now
        lit = (now - self.blink_since_ns) // HALF_BLINK_NS % 2 == 0
        self._light("Left", lit and wanted in {"Left", "Hazard"})
        self._light("Right", lit and wanted in {"Right", "Hazard"})
        self.indicator_out.value = wanted
        self.hazard_source_out.value = self.hazard_source

    def _wipe(self) -> None:
        switch = self.wiper_switch.label
        speed = str(switch) if switch in {"Slow", "Fast"} else "Off"
        if switch == "Auto":
            speed = next((name for least, name in RAIN_STEPS if self.rain.value >= least), "Off")
        self.wiper_out.value = speed if self.awake else "Off"

    # Actions

    def _light(self, name: str, on: bool) -> None:
        self.lamp[name].value = "On" if on else "Off"

    def _set_hazard(self, on: bool, source: str) -> None:
        self.hazard = on
        self.hazard_source = source if on else "None"
        self.control_lights()

    def _lock(self, doors: list[str] | tuple[str, ...], lock: bool, cause: str) -> None:
        for door in doors:
            index = DOORS.index(door)
            self.locked[index] = lock
            self.locked_out[index].value = "Yes" if lock else "No"
        self.lock_cause_out.value = cause
