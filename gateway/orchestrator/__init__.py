"""Nodes and units: systemd's job engine, BlueChi's controller, agents and API. Knows routing, ecu, sim and below."""
