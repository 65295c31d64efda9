"""The notebooks: every one runs from top to bottom, and what is kept of its outputs is fit to be read."""

import json
import re
import runpy
import sys

import pytest
import recipes

FOLDER = recipes.ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 1_000_000  # bytes
# Written in parts, so that this file passes the check of machine paths itself.
MACHINE = re.compile(r"(?<![\w.])/(?:" + "home|root|work|tmp|mnt|Users|usr|opt" + r")/|[A-Z]:\\\\")
LITTER = re.compile(r"\d+%\||\d images/s\]|\x1b\[|\r(?!\n)|Warning\b|^(?:WARNING|INFO|fully_quantize|[WEI]\d{4} )|"
                    r"tf-imgtrans: (?:warning|error)", re.MULTILINE)

nbformat = pytest.importorskip("nbformat", reason="the extra `test` is not installed")
pytest.importorskip("nbclient", reason="the extra `test` is not installed")
pytest.importorskip("ipykernel", reason="the extra `test` is not installed")


@pytest.fixture(scope="module")
def execute():
  return runpy.run_path(str(FOLDER / "execute.py"))["execute"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
  return request.param


def _notebook(tmp_path, *sources):
  """A notebook file of code cells."""
  book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
  nbformat.write(book, tmp_path / "made.ipynb")
  return tmp_path / "made.ipynb"


def _texts(cell):
  """What a reader of a code cell's outputs reads: streams and plain text, no images."""
  for output in cell.outputs:
    yield output.get("text", "")
    yield from (text for kind, text in output.get("data", {}).items() if kind.startswith("text/"))


def test_there_are_notebooks_and_the_list_names_them():
  listed = re.findall(r"\]\((\w+\.ipynb)\)", (FOLDER / "README.md").read_text())
  assert NOTEBOOKS
  assert sorted(listed) == [path.name for path in NOTEBOOKS]


def test_kept_file(path):
  """Its size, its form, its kernel, and that it names no place of one machine."""
  text = path.read_text()
  assert len(text.encode()) < LARGEST
  book = nbformat.reads(text, as_version=4)
  nbformat.validate(book)
  assert (book.nbformat, book.metadata.kernelspec.name) == (4, "python3")
  code = [cell for cell in book.cells if cell.cell_type == "code"]
  assert 'os.environ.get("TF_IMGTRANS_MINI") == "1"' in code[0].source
  for cell in book.cells:
    for part in [cell.source, *(_texts(cell) if cell.cell_type == "code" else ())]:
      assert not MACHINE.search(part), MACHINE.search(part)


def test_kept_outputs(path):
  """Those of one run from top to bottom without an error, a warning or the states of a progress bar, with images."""
  code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
  assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
  outputs = [output for cell in code for output in cell.outputs]
  assert not [output for output in outputs if output.output_type == "error"]
  assert any(kind in output.get("data", {}) for output in outputs for kind in ("image/png", "image/jpeg"))
  for cell in code:
    for text in _texts(cell):
      assert not LITTER.search(text), LITTER.search(text)


@pytest.mark.slow
def test_notebook_runs(path, execute, tmp_path):
  """In its short form, in an empty folder in which it leaves nothing."""
  book = execute(path, tmp_path, mini=True, timeout_s=300)
  assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
  assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_kernel_is_this_interpreter_and_failures_are_seen(execute, tmp_path):
  from nbclient.exceptions import CellExecutionError

  tell = "import json, os, sys\nprint(json.dumps([sys.executable, os.environ['TF_IMGTRANS_MINI'], os.getcwd()]))"
  book = execute(_notebook(tmp_path, tell, "!echo one; echo ' 5%|#    | 1/20' >&2\n!echo two"), tmp_path, mini=True)
  executable, mini, place = json.loads(book.cells[0].outputs[0].text)
  assert (executable, mini, place) == (sys.executable, "1", str(tmp_path))
  assert book.cells[1].outputs[0].text == "one\ntwo\n"
  assert "assert" not in book.cells[1].source
  with pytest.raises(CellExecutionError, match="exit status 3"):
    execute(_notebook(tmp_path, "!exit 3"), tmp_path)
  with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
    execute(_notebook(tmp_path, "1 / 0"), tmp_path)
  import psutil  # which ipykernel needs

  commands = [" ".join(child.cmdline()) for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
  assert not [command for command in commands if "ipykernel" in command]  # each would hold a gigabyte


@pytest.mark.parametrize("text, found", [
    ("see /ho" + "me/me/a.png", True), ('{"at": "/t' + 'mp/x"}', True), ("runs/wo" + "rk/x", False),
    ("https://a.org/ho" + "me/x", False)])
def test_the_pattern_of_machine_paths(text, found):
  assert bool(MACHINE.search(text)) == found


@pytest.mark.parametrize("text, found", [
    (" 10%|#  | 1/10 [00:01<00:09]", True), ("UserWarning: old", True), ("I0000 00:00 cpu", True), ("\x1b[1mbold", True),
    ("tf-imgtrans: error: no", True), ("10% of the pixels | PSNR", False), ("loss 0.1\r\n", False)])
def test_the_pattern_of_litter(text, found):
  assert bool(LITTER.search(text)) == found
