"""What is written while a vehicle drives, with all that the gateway knows of each frame, and how that is read back."""
