"""Currents of a DRAM standard: what a file may say, and what ships."""

from pathlib import Path

import pytest
import yaml

from arch.catalog import CONFIGS
from arch.dram.device import Device, resolve
from arch.dram.load import load_standard, standard_names
from arch.errors import InputError

DDR4 = (CONFIGS / "dram" / "ddr4.yaml").read_text()
HEAD = DDR4.partition("\ncurrents:\n")[0] + "\n"
LINE = HEAD.count("\n") + 1
"""Of ``currents:``."""


def with_currents(tmp_path: Path, currents: str, rest: str = "vdd_v: 1.2") -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(
        HEAD
        + "currents:\n  DDR4_8Gb_x8/DDR4_2400R:\n    source: a sheet\n"
        + f"    {rest}\n    currents_ma: {{{currents}}}\n"
    )
    return path


def device(path: str | Path, organisation: str, speed: str, **timings: int) -> Device:
    return resolve(load_standard(str(path)), organisation, speed, timings=timings)


AT = "currents.DDR4_8Gb_x8/DDR4_2400R"
WRONG = {
    "text": (
        "IDD0: much",
        f'{LINE + 4}: {AT}.currents_ma.IDD0: given "much"; must be a number above 0; leave out '
        "what is unknown",
    ),
    "negative": (
        "IDD0: 48, IDD2N: -34",
        f"{LINE + 4}: {AT}.currents_ma.IDD2N: given -34; must be a number above 0; leave out what "
        "is unknown",
    ),
    "zero for unknown": (
        "IDD0: 0",
        f"{LINE + 4}: {AT}.currents_ma.IDD0: given 0; must be a number above 0; leave out what is "
        "unknown",
    ),
    "no number": ("IDD0: .nan", f"{LINE + 4}: {AT}.currents_ma.IDD0: given "),
    "true": ("IDD0: true", f"{LINE + 4}: {AT}.currents_ma.IDD0: given true; must be a number"),
    "a name that nobody knows": ("IDD9: 48", f"{LINE + 4}: {AT}.currents_ma.IDD9: "),
    "a burst of less than standby": (
        "IDD3N: 43, IDD4R: 40",
        f"{LINE + 4}: {AT}: currents_ma.IDD4R: given 40; must be at least IDD3N, 43",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_current_is_refused_with_file_line_and_path(case: str, tmp_path: Path) -> None:
    currents, message = WRONG[case]
    path = with_currents(tmp_path, currents)
    with pytest.raises(InputError) as caught:
        load_standard(str(path))
    assert str(caught.value).startswith(f"{path}:{message}")


@pytest.mark.parametrize("supply", ["vdd_v: 0", "vdd_v: -1.2", "vdd_v: high", "vdd_v: null"])
def test_a_wrong_supply_is_refused_with_its_line(supply: str, tmp_path: Path) -> None:
    path = with_currents(tmp_path, "IDD0: 48", supply)
    with pytest.raises(InputError) as caught:
        load_standard(str(path))
    assert str(caught.value).startswith(f"{path}:{LINE + 3}: {AT}.vdd_v: given ")


def test_a_wrong_pump_supply_is_refused(tmp_path: Path) -> None:
    path = with_currents(tmp_path, "IDD0: 48", "vdd_v: 1.2\n    vpp_v: -2")
    with pytest.raises(InputError) as caught:
        load_standard(str(path))
    assert str(caught.value) == (
        f"{path}:{LINE + 4}: {AT}.vpp_v: given -2; must be a number above 0, none if the device "
        "has no such supply, or null if it is unknown"
    )


def test_a_row_cycle_of_less_than_standby_is_refused(tmp_path: Path) -> None:
    path = with_currents(tmp_path, "IDD0: 40, IDD2N: 34, IDD3N: 43")  # 43 for 39 of 55 cycles
    with pytest.raises(InputError) as caught:
        device(path, "DDR4_8Gb_x8", "DDR4_2400R")
    assert str(caught.value) == (
        f"DDR4: {AT}.currents_ma.IDD0: given 40; must be at least IDD3N for nRAS and IDD2N for the "
        "rest of nRC"
    )
    with_currents(tmp_path, "IDD0: 40.4, IDD2N: 34, IDD3N: 43")
    found = device(path, "DDR4_8Gb_x8", "DDR4_2400R").supplies
    assert found is not None
    assert found.row_cycle_ma() == pytest.approx(40.4 * 55 - 43 * 39 - 34 * 16)


def test_what_was_measured_stays_when_a_memory_has_other_timings() -> None:
    usual = device("ddr4", "DDR4_8Gb_x8", "DDR4_2400R").supplies
    assert device("ddr4", "DDR4_8Gb_x8", "DDR4_2400R", nRC=90, nRAS=70).supplies == usual


@pytest.mark.parametrize(
    ("organisation", "devices"), [("DDR4_8Gb_x4", 16), ("DDR4_8Gb_x8", 8), ("DDR4_8Gb_x16", 4)]
)
def test_devices_that_share_the_data_pins(organisation: str, devices: int) -> None:
    found = device("ddr4", organisation, "DDR4_2400R").supplies
    assert found is not None
    assert found.devices == devices


MODULES = {
    # Micron asf18c2gx72hz.pdf Rev. F, table 15: of 18 devices, 9 in the state, 9 in IDD2P, IPP3N.
    "DDR4_8Gb_x8/DDR4_2400R": {
        "IDD0": (657, 9, 9 * 25), "IDD2N": (612, 18, 0), "IDD2P": (450, 18, 0),
        "IDD3N": (774, 18, 0), "IDD3P": (666, 18, 0), "IDD4R": (1440, 9, 9 * 25),
        "IDD4W": (1332, 9, 9 * 25), "IDD5B": (2475, 9, 9 * 25), "IDD6N": (540, 18, 0),
        "IPP0": (54, 9, 9 * 3), "IPP3N": (54, 18, 0), "IPP5B": (279, 9, 9 * 3),
    },
    # Micron atf4c512x64az.pdf Rev. B, table 13: 4 devices.
    "DDR4_8Gb_x16/DDR4_2400R": {
        "IDD0": (320, 4, 0), "IDD2N": (136, 4, 0), "IDD2P": (100, 4, 0), "IDD3N": (188, 4, 0),
        "IDD3P": (164, 4, 0), "IDD4R": (972, 4, 0), "IDD4W": (912, 4, 0), "IDD5B": (1120, 4, 0),
        "IDD6N": (120, 4, 0), "IPP0": (16, 4, 0), "IPP3N": (12, 4, 0), "IPP5B": (112, 4, 0),
    },
    "DDR4_8Gb_x16/DDR4_2666V": {
        "IDD0": (340, 4, 0), "IDD2N": (140, 4, 0), "IDD2P": (100, 4, 0), "IDD3N": (200, 4, 0),
        "IDD3P": (172, 4, 0), "IDD4R": (1052, 4, 0), "IDD4W": (976, 4, 0), "IDD5B": (1120, 4, 0),
        "IDD6N": (120, 4, 0), "IPP0": (16, 4, 0), "IPP3N": (12, 4, 0), "IPP5B": (112, 4, 0),
    },
}  # fmt: skip
"""mA of a module, devices, mA of those in another state."""


@pytest.mark.parametrize("presets", MODULES)
def test_currents_are_those_of_the_data_sheets_modules(presets: str) -> None:
    current = load_standard("ddr4").currents[presets]
    assert current.vdd_v == 1.2
    assert current.vpp_v == 2.5
    assert "data sheet" in current.source
    assert current.currents_ma == {
        name: (module - rest) / devices
        for name, (module, devices, rest) in MODULES[presets].items()
    }


def test_only_currents_with_a_source_ship() -> None:
    known = {name for name in standard_names() if load_standard(name).currents}
    assert known == {"ddr4"}
    for presets, current in load_standard("ddr4").currents.items():
        assert "Micron" in current.source or "DRAMsim3" in current.source
        sheet = current.source.startswith("Micron")
        assert (current.vpp_v is not None) == sheet, presets
        assert "DDR4_8Gb" in presets


def test_every_shipped_current_resolves() -> None:
    ddr4 = load_standard("ddr4")
    for presets in ddr4.currents:
        found = resolve(ddr4, *presets.split("/")).supplies
        assert found is not None
        row_cycle = found.row_cycle_ma()
        assert row_cycle is not None
        assert row_cycle > 0


def test_a_device_without_a_pump_supply(tmp_path: Path) -> None:
    path = with_currents(tmp_path, "IDD0: 48", "vdd_v: 1.2\n    vpp_v: none")
    assert yaml.safe_load(path.read_text())["currents"]["DDR4_8Gb_x8/DDR4_2400R"]["vpp_v"] == "none"
    found = device(path, "DDR4_8Gb_x8", "DDR4_2400R").supplies
    assert found is not None
    assert not found.has_vpp
    assert device("ddr4", "DDR4_8Gb_x8", "DDR4_3200AC").supplies is None
