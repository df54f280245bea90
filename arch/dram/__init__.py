"""DRAM standards as data, and the devices that they describe."""
