"""Signals as services on other transports: SOME/IP, MQTT, Zenoh. Knows `routing`, `links` and below."""
