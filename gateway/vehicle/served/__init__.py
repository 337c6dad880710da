"""What a driving vehicle serves: SDV, vehicle HAL, MQTT and Zenoh, metrics, as the file and the command line say."""
