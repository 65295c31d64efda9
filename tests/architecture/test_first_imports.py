"""Each module that others of the registered ones need can be imported first, before Keras is.

Importing Keras imports all registered modules, so that such a module may be asked for its names half way through its own
import.
"""

import ast
import importlib.util
import subprocess
import sys

import pytest

from tf_imgtrans.recipes import RECIPES, SERIALIZABLE_LAYERS, find_recipe


def _imports(module):
  with open(importlib.util.find_spec(module).origin, encoding="utf-8") as file:
    return {node.module for node in ast.walk(ast.parse(file.read())) if isinstance(node, ast.ImportFrom)}


REGISTERED = {*SERIALIZABLE_LAYERS, *(module for name in RECIPES for module in find_recipe(name).modules())}
NEEDED = sorted({name for module in REGISTERED for name in _imports(module)} & REGISTERED)


def test_registered_modules_are_known():
  assert "tf_imgtrans.papers.progressive_pan.generator" in REGISTERED and NEEDED


@pytest.mark.slow
@pytest.mark.parametrize("module", NEEDED)
def test_a_module_that_others_need_can_be_imported_first(module):
  done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, timeout=120)
  assert done.returncode == 0, done.stderr
