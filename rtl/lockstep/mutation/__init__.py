"""Whether the co-simulation would notice: faults planted in hardware and model, one at a time."""
