"""The driver's switch panel in the door: window and mirror switches, on LIN."""

from __future__ import annotations

from gateway.ecu import Ecu, every


class Dsp:
    """Inputs: `left_window`, `right_window` (Off, Up, Down, AutoUp, AutoDown), `mirror` (None, Left, Right), `horizontal`,
    `vertical` (Still, Minus, Plus). A switch that is pressed wakes the bus up."""

    def __init__(self, ecu: Ecu) -> None:
        self.node = ecu.node("doors")
        names = {
            "left_window": ("LeftSwitch", "Off"),
            "right_window": ("RightSwitch", "Off"),
            "mirror": ("MirrorSelect", "None"),
            "horizontal": ("MirrorHorizontal", "Still"),
            "vertical": ("MirrorVertical", "Still"),
        }
        self.switches = [
            (ecu.input(name, rest), ecu.tx(f"WindowSwitch.{signal}"), rest) for name, (signal, rest) in names.items()
        ]

    @every("10ms")
    def scan(self) -> None:
        pressed = False
        for switch, out, rest in self.switches:
            out.value = str(switch.value)
            pressed = pressed or str(switch.value) != rest
        if pressed:
            self.node.wake_up()
