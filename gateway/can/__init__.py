"""CAN and CAN FD: frames, exact bit times, the bus with arbitration and errors. Knows `sim` only."""
