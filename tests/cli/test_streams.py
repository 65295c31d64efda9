"""Help and results on screens of few characters, and without docstrings."""

import os
import subprocess
import sys

import pytest
import recipes

from tf_imgtrans.cli.main import COMMANDS


def _run(*arguments, flags=(), **environment):
  return subprocess.run([sys.executable, *flags, "-m", "tf_imgtrans", *map(str, arguments)], capture_output=True,
                        cwd=recipes.ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment})


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "cp437"])
def test_help_in_any_encoding(encoding):
  done = _run("train", "mux_demux", "--help", PYTHONIOENCODING=encoding)
  assert done.returncode == 0, done.stderr
  text = done.stdout.decode(encoding)
  drawn = "└── " if encoding == "cp437" else "+-- "
  assert f"{drawn}iphone/" in text and "?" not in text.split("iphone/")[0][-8:]


def test_names_of_any_bytes_are_shown(tmp_path):
  from tf_imgtrans.cli.streams import write_what_it_can

  with open(tmp_path / "out.txt", "w", encoding="latin-1") as stream:
    write_what_it_can(stream)
    print("caf\udce9.png ± 2 → 日", file=stream)
  assert (tmp_path / "out.txt").read_bytes() == b"caf\\udce9.png \xb1 2 -> \\u65e5\n"


@pytest.mark.parametrize("command", [["predict"], ["train", "x_gans"], ["reproduce", "x_gans", "table1"]])
def test_help_without_docstrings(command):
  """As python -OO removes them, in small containers."""
  bare, whole = _run(*command, "--help", flags=["-OO"]), _run(*command, "--help")
  assert bare.returncode == 0 and bare.stdout == whole.stdout
  assert command[0] in COMMANDS
