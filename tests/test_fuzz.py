"""Two minutes of damaged files of every format; tests/fuzz.py runs for hours by hand."""

import subprocess
import sys

import pytest
import recipes


@pytest.mark.slow
@pytest.mark.multiprocess
def test_damaged_files_are_read_or_refused():
  done = subprocess.run([sys.executable, recipes.ROOT / "tests" / "fuzz.py", "--seconds", "120"], capture_output=True,
                        text=True, timeout=600)
  table = done.stdout[done.stdout.find("| format"):]
  assert done.returncode == 0, table or done.stderr[-3000:]
  rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
  assert all(int(row[1]) > 1 for row in rows) and sum(int(row[2]) for row in rows) > 20, table
