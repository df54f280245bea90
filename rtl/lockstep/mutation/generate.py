"""Verilog of an array whose parameters come in on standard input, as JSON: for a changed copy of
``rtl``, which only another process can import."""

import json
import sys

from arch.array import Array
from rtl.array import SystolicArray
from rtl.wrapper import Wrapper

if __name__ == "__main__":
    given = json.load(sys.stdin)
    array = Array.model_validate_json(json.dumps(given["array"]))
    unit = SystolicArray(array, extent_bits=given["extent_bits"])
    wrapper = Wrapper(unit)
    sys.stdout.write(wrapper.verilog)
