"""Architecture: which package may import which, the style that every file keeps, and the words of the documentation."""

import ast
import graphlib
import pathlib
import re

import pytest
import recipes

PACKAGE = recipes.ROOT / "tf_imgtrans"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAPERS = sorted(path for path in (PACKAGE / "papers").iterdir() if path.is_dir() and not path.name.startswith("_"))
SOURCES = sorted([*MODULES, *(recipes.ROOT / "train_scripts").rglob("*.py"), *(recipes.ROOT / "tests").rglob("*.py")])

# Package -> packages that it may import besides itself; "papers/X" imports no other paper and "baselines/X" no
# other baseline. `cli` may import everything.
ALLOWED_IMPORTS = {
    "core": {"version"},
    "layers": {"core"}, "networks": {"core", "layers"}, "losses": {"core"}, "metrics": {"core"}, "data": {"core"},
    "training": {"core", "data", "metrics"},
    "papers": {"core", "layers", "networks", "losses", "metrics", "data", "training"},
    "baselines": {"core", "layers", "networks", "losses", "metrics", "data", "training"},
    "practice": {"core", "layers", "networks", "losses", "metrics", "data", "training", "papers"},
    "export": {"core"}, "inference": {"core"}, "serving": {"core"},
    "benchmark": {"core", "export"},  # export takes a file apart into operations that are timed alone
}
# `tables` and `shipping` use everything but each other and `cli`, which nothing uses.
ALLOWED_IMPORTS["tables"] = ALLOWED_IMPORTS["shipping"] = {*ALLOWED_IMPORTS, "recipes"}
# Modules outside of these packages -> packages and modules that they may import.
ROOT_MODULES = {
    "__init__.py": {"version", "recipes"}, "__main__.py": {"cli"}, "version.py": set(),
    "recipes.py": {"core"},  # names the modules of recipes, and imports one on request
    "api.py": {"core", "recipes", "training", "inference", "evaluation"},
    "evaluation.py": {"core", "data", "training", "metrics", "inference", "recipes"},
}
PAPER_FILES = {"config.py", "generator.py", "discriminator.py", "objective.py", "data.py", "trainer.py", "README.md"}


def _name(path):
  return path.relative_to(PACKAGE).as_posix()


def _imports(path):
  """Absolute names of what a module imports, in functions too."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, f"{_name(path)}: relative import in line {node.lineno}"
      yield node.module
      if node.module in ("tf_imgtrans", "tf_imgtrans.papers", "tf_imgtrans.baselines"):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _forbidden(path):
  """Imports of a module that are not allowed."""
  package, *rest = path.relative_to(PACKAGE).parts
  if package == "cli":
    return
  for imported in _imports(path):
    top, _, inner = imported.partition(".")
    if top != "tf_imgtrans" or not inner:
      continue
    other, *deeper = inner.split(".")
    if not rest:
      if other not in ROOT_MODULES.get(package, set()):
        yield imported
    elif other == package and package in ("papers", "baselines"):
      in_folder = len(rest) > 1 and deeper and not (PACKAGE / package / f"{deeper[0]}.py").is_file()
      if in_folder and deeper[0] != rest[0]:
        yield imported
    elif other != package and other not in ALLOWED_IMPORTS[package]:
      yield imported


def test_the_check_of_imports_finds_forbidden_ones(tmp_path, monkeypatch):
  """On a few files with forbidden imports."""
  monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
  files = {
      "core/a.py": "import tf_imgtrans.layers.mux\nfrom tf_imgtrans.core import b\n",
      "papers/one/generator.py": "from tf_imgtrans.papers.one.config import Config\nfrom tf_imgtrans.layers import Mux\n"
                                 "def f():\n  from tf_imgtrans.papers.two import config\n"
                                 "  from tf_imgtrans import export\n",
      "baselines/shared.py": "from tf_imgtrans.baselines.one.network import f\n",
      "baselines/one/network.py": "from tf_imgtrans.baselines.one import recipe\n"
                                  "from tf_imgtrans.baselines import shared, two\n"
                                  "from tf_imgtrans.baselines.shared import f\n"
                                  "from tf_imgtrans.baselines.two.recipe import Config\n"
                                  "from tf_imgtrans.papers.one import config\n",
      "extra.py": "from tf_imgtrans.data import pairs\nimport numpy\n",
      "cli/main.py": "from tf_imgtrans.metrics import psnr\nfrom tf_imgtrans.tables import registry\n",
      "tables/one.py": "from tf_imgtrans.papers.one import data\nfrom tf_imgtrans.cli.main import main\n",
  }
  found = {}
  for name, text in files.items():
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    found[name] = list(_forbidden(tmp_path / name))
  assert found == {"core/a.py": ["tf_imgtrans.layers.mux"], "extra.py": ["tf_imgtrans.data"], "cli/main.py": [],
                   "tables/one.py": ["tf_imgtrans.cli.main"],
                   "papers/one/generator.py": ["tf_imgtrans.papers.two", "tf_imgtrans.export"],
                   "baselines/shared.py": [],
                   "baselines/one/network.py": ["tf_imgtrans.baselines.two", "tf_imgtrans.baselines.two.recipe",
                                                "tf_imgtrans.papers.one"]}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_are_allowed(path):
  assert not list(_forbidden(path)), f"{_name(path)} imports what its package may not import"


def test_no_module_imports_itself_by_way_of_others():
  """Imports in functions count too: a circle is two modules that are one."""
  names = {".".join(("tf_imgtrans", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
           for path in MODULES}
  graph = {name: {imported for imported in _imports(path) if imported in names and imported != name}
           for name, path in names.items()}
  try:
    list(graphlib.TopologicalSorter(graph).static_order())
  except graphlib.CycleError as error:
    pytest.fail(" -> ".join(error.args[1]))


def test_every_package_and_root_module_is_listed():
  packages = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
  assert packages <= {*ALLOWED_IMPORTS, "cli"}
  assert {path.name for path in PACKAGE.glob("*.py")} == set(ROOT_MODULES)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_paper_has_the_same_files(paper):
  missing = PAPER_FILES - {path.name for path in paper.iterdir()}
  assert not missing, f"papers/{paper.name} lacks {', '.join(sorted(missing))}"


def test_there_are_papers():
  assert "mux_demux" in {paper.name for paper in PAPERS}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_are_short_and_documented(path):
  text = path.read_text()
  assert len(text.splitlines()) <= 320
  assert ast.get_docstring(ast.parse(text)), "no module docstring"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_public_classes_and_functions_have_docstrings(path):
  for node in ast.parse(path.read_text()).body:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
      assert ast.get_docstring(node), f"{node.name} has no docstring"


# Written in parts, so that this file passes its own check.
MACHINE = re.compile(r"""["'\s(=](?:/(?:""" + "home|root|work|tmp|mnt|Users" + r""")/|[A-Z]:\\)""")
UNFINISHED = re.compile("TO" + "DO|FIX" + "ME|XX" + "X|NotImplemented" + "Error")


@pytest.mark.parametrize("pattern, text, found", [
    (MACHINE, 'open("/ho' + 'me/me/photo.png")', True), (MACHINE, "see /wo" + "rk/main", True),
    (MACHINE, "https://host/tmp/x", False), (MACHINE, "runs/tmp/x", False), (UNFINISHED, "# TO" + "DO: more", True)])
def test_the_patterns(pattern, text, found):
  assert bool(pattern.search(text)) == found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(recipes.ROOT).as_posix())
def test_no_machine_paths_and_nothing_unfinished(path):
  for number, line in enumerate(path.read_text().splitlines(), 1):
    for pattern in (MACHINE, UNFINISHED):
      assert not pattern.search(line), f"line {number}: {line.strip()}"


def test_test_files_have_unique_names():
  """The tests' folders are no packages, so two files of one name would hide each other."""
  names = [path.name for path in pathlib.Path(recipes.ROOT / "tests").rglob("test_*.py")]
  assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
