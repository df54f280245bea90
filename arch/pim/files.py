"""Where PIMs and their command sets are found, whatever their interface."""

from arch.catalog import CONFIGS
from arch.spec_file import Folder

PIMS = Folder(CONFIGS / "pims", "PIM")
COMMAND_SETS = Folder(CONFIGS / "pim", "command set")
