"""Runs notebooks from top to bottom and keeps their outputs: `python notebooks/execute.py [NOTEBOOK.ipynb ...]`.

The kernel is the interpreter that runs this file, with the package beside this folder; nothing has to be registered. Each
notebook starts in an empty folder. It is written only when all of its cells have run.
"""

import os
import pathlib
import re
import sys
import tempfile
import time

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from tf_imgtrans.core.files import write_bytes, write_json

FOLDER = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 1800  # of a cell
# What is of the run and not of the notebook: states of progress bars, colours, and remarks of libraries.
_LITTER = re.compile(r"^(?:.*\d+%\|.*|.*\d images/s\]\s*|(?:INFO|fully_quantize):.*)(?:\n|\Z)", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COMMAND = re.compile(r"^!(?:.*\\\n)*.*$", re.MULTILINE)


def execute(path, folder, mini=False, timeout_s=TIMEOUT_S):
  """Runs a notebook; the file stays as it is.

  Args:
    path: str or Path of the .ipynb file.
    folder: str or Path of an existing folder that its cells start in.
    mini: bool, whether TF_IMGTRANS_MINI is 1.
    timeout_s: seconds that a cell may take.
  Returns:
    nbformat.NotebookNode with the outputs of this run.
  Raises:
    nbclient.exceptions.CellExecutionError: a cell failed, or a command in one (a line that begins with !).
    nbclient.exceptions.CellTimeoutError: a cell took too long.
  """
  notebook = nbformat.read(path, as_version=4)
  sources = [cell.source for cell in notebook.cells]
  for cell in notebook.cells:
    if cell.cell_type == "code":  # of itself, a notebook goes on after a command that failed
      cell.source = _COMMAND.sub(r"\g<0>" + "\nassert _exit_code == 0, f'exit status {_exit_code}'", cell.source)
  with tempfile.TemporaryDirectory() as place:
    manager = _kernel(pathlib.Path(place))
    client = NotebookClient(notebook, km=manager, timeout=timeout_s, coalesce_streams=True, record_timing=False,
                            resources={"metadata": {"path": str(folder)}})
    client.owns_km = True  # ends the kernel afterwards, as it does with one of its own making
    client.execute(env=_environment(place, mini))
  for cell, source in zip(notebook.cells, sources):
    cell.source = source
    cell.get("outputs", [])[:] = [output for output in map(_tidy, cell.get("outputs", [])) if output]
  return notebook


def _kernel(place):
  """Manager of a kernel `python3` that is this interpreter; its files lie in `place`."""
  # What C++ libraries write to the process's own output goes to the terminal, not into the notebook.
  arguments = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
               "--IPKernelApp.capture_fd_output=False"]
  (place / "kernels" / "python3").mkdir(parents=True)
  write_json(place / "kernels" / "python3" / "kernel.json",
             {"argv": arguments, "display_name": "Python 3", "language": "python"})
  specifications = KernelSpecManager(kernel_dirs=[str(place / "kernels")], ensure_native_kernel=False)
  return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specifications,
                            connection_file=str(place / "connection.json"))


def _environment(place, mini):
  """The kernel's: this package and its command first, and no profile of the user."""
  first = {"PATH": pathlib.Path(sys.executable).parent, "PYTHONPATH": FOLDER.parent}
  environment = {**os.environ, "IPYTHONDIR": place, "TF_IMGTRANS_MINI": str(int(mini))}
  for name, folder in first.items():
    environment[name] = os.pathsep.join(filter(None, [str(folder), os.environ.get(name)]))
  environment.pop("MPLBACKEND", None)  # images go into the notebook
  return environment


def _tidy(output):
  """An output without litter, and without the second form of an image; None where nothing else is in it."""
  if "image/jpeg" in output.get("data", {}):
    output.data.pop("image/png", None)
  if output.output_type == "stream":
    output.text = _LITTER.sub("", _COLOURS.sub("", output.text.replace("\r\n", "\n")))
    if not output.text.strip():
      return None
  return output


def main(names):
  for path in map(pathlib.Path, names or sorted(FOLDER.glob("*.ipynb"))):
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
      notebook = execute(path, folder)
    write_bytes(path, (nbformat.writes(notebook) + "\n").encode())
    print(f"{path.name}: {time.perf_counter() - began:.0f} s, {path.stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
  main(sys.argv[1:])
