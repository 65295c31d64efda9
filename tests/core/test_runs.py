"""run.json of every version, and of damaged ones an error that names the file."""

import json
import pathlib

import pytest

from tf_imgtrans.core.runs import read_run, stored_options
from tf_imgtrans.training.session import TrainingOptions

WHOLE = {"recipe": "mux_demux", "config": {}, "options": {"out": "runs/a", "data": "photos"}}


def _written(folder, content):
  (folder / "run.json").write_text(content if isinstance(content, str) else json.dumps(content))
  return folder


def test_of_both_versions(tmp_path):
  assert read_run(_written(tmp_path, WHOLE))["recipe"] == "mux_demux"
  former = {"paper": "x_gans", "config": {}, "options": {}}
  assert read_run(_written(tmp_path, former))["recipe"] == "x_gans"
  options = stored_options(TrainingOptions, WHOLE, resume=True)
  assert (options.out, options.data, options.resume) == (pathlib.Path("runs/a"), pathlib.Path("photos"), True)


@pytest.mark.parametrize("content", ["", "[]", "5", "{", "[" * 5000, {}, {**WHOLE, "recipe": 5}, {**WHOLE, "config": []},
                                     {**WHOLE, "options": None}])
def test_damaged(content, tmp_path):
  with pytest.raises(ValueError, match="run.json holds"):
    read_run(_written(tmp_path, content))


@pytest.mark.parametrize("options", [{"out": 5}, {"out": "a", "data": ["b"]}, {"out": "a", "data": "b", "no_such": 1}])
def test_damaged_options(options):
  with pytest.raises(ValueError):
    stored_options(TrainingOptions, {**WHOLE, "options": options})
