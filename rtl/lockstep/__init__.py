"""Lockstep: generated hardware and the simulator's model under the same stimuli, bit for bit."""
