"""Clocks and the tick that is common to them."""

from math import lcm

from arch.errors import InputError

TICKS_MAX = 2**62


def tick_khz(clocks_khz: dict[str, int]) -> int:
    """Frequency of the engine's tick: the least common multiple of all clocks, in kHz.

    Raises InputError where a second of simulated time would overflow 62 bits.
    """
    frequency = lcm(*clocks_khz.values())
    if frequency * 1000 > TICKS_MAX // 3600:
        given = ", ".join(f"{name} {khz} kHz" for name, khz in clocks_khz.items())
        raise InputError(
            f"clocks: the least common multiple of {given} is {frequency} kHz, so that an hour "
            "would overflow 62 bits; choose frequencies with common factors"
        )
    return frequency


def periods(clocks_khz: dict[str, int]) -> dict[str, int]:
    """Period of each clock in ticks."""
    frequency = tick_khz(clocks_khz)
    return {name: frequency // khz for name, khz in clocks_khz.items()}
