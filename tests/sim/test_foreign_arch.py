"""Another package named ``arch`` is noticed at import."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_foreign_arch_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "arch").mkdir()
    (tmp_path / "arch" / "__init__.py").write_text("")
    found = subprocess.run(
        [sys.executable, "-c", "import sim"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "pip uninstall arch" in found.stderr
    assert str(tmp_path) in found.stderr
