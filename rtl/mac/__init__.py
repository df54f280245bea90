"""The SIMD engine as hardware: codecs, the reconfigurable multiplier, the MAC of a PE."""

from rtl.mac.codec import Decoder, Encoder
from rtl.mac.lanes import LaneDot
from rtl.mac.reader import Reader
from rtl.mac.rmmec import Rmmec
from rtl.mac.simd_mac import SimdMac, SimdMacUnit

__all__ = ["Decoder", "Encoder", "LaneDot", "Reader", "Rmmec", "SimdMac", "SimdMacUnit"]
