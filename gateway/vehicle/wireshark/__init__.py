"""A vehicle as Wireshark understands it: what each port and identifier is, and the signals of its messages."""
