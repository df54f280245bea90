"""HBM-PIM as files."""

from pathlib import Path

import pytest

from arch.errors import InputError
from arch.pim.hbm import is_hbm_pim, load_hbm_pim, load_hbm_set

NAMES = ("hbm_pim", "hbm_pim_as_simulated")


def distance(name: str, preceding: str, following: str, level: str) -> int:
    return max(
        rule.cycles
        for rule in load_hbm_pim(name).device().rules
        if (rule.preceding, rule.following, rule.level) == (preceding, following, level)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_channel_is_a_pseudo_channel(name: str) -> None:
    device = load_hbm_pim(name).device()
    assert (device.banks, device.rows, device.columns) == (16, 16384, 32)
    assert device.burst_bytes == 32
    assert (device.timings["nRFC"], device.timings["nREFI"]) == (350, 3900)
    assert is_hbm_pim(name)
    assert not is_hbm_pim("aim")
    assert not is_hbm_pim("no/such/file")


def test_where_the_presets_differ() -> None:
    for preceding, following, level, corrected, simulated in (
        ("RD", "PREpb", "bank", 5, 3),
        ("RD", "WR", "channel", None, 15),
        ("RD", "WR", "pseudo_channel", 16, None),
        ("ACT", "RD", "bank", 15, 14),
        ("WR", "RD", "pseudo_channel", 14, None),
        ("WR", "RD", "channel", None, 19),
        ("WR", "RD", "bank_group", 19, None),
    ):
        for name, wanted in zip(NAMES, (corrected, simulated), strict=True):
            if wanted is not None:
                assert distance(name, preceding, following, level) == wanted
    with pytest.raises(ValueError, match="empty"):
        distance(NAMES[1], "PREpb", "REFab", "pseudo_channel")


def test_codes_and_operands_are_all_there() -> None:
    codes = load_hbm_set("hbm_pim").opcodes
    assert sorted(codes.values()) == [0, 1, 2, 3, 4, 8, 9, 14, 15]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("channels=65", "channels: given 65; must be 1 to 64"),
        ("ranks=5", "ranks: given 5"),
        ("variant=ddr", "HBM-PIM: 'ddr' is no variant; are: jedec, simulator"),
        ("timings.nXX=3", "'nXX' is no timing"),
        ("controller.late_refresh=lost", "controller.late_refresh"),
        ("jump_counters=two", "jump_counters"),
    ],
)
def test_what_is_wrong(change: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        load_hbm_pim("hbm_pim", [change]).device()
    assert told in str(caught.value)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "interface: hbm_pim\nname: mine\nsource: mine\ncommands: hbm_pim\nvariant: jedec\n"
        "speed: HBM_PIM\nchannels: 2\n"
    )
    assert is_hbm_pim(str(path))
    assert load_hbm_pim(str(path)).channels == 2
    path.write_text(path.read_text() + "modus: SB\n")
    with pytest.raises(InputError, match=r"mine\.yaml:8: modus: is not a known key"):
        load_hbm_pim(str(path))
