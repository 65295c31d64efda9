"""The other shipped models beat the naive way of doing the same on held-out photographs, in every precision shipped."""

import pytest

from tf_imgtrans.core.formats import Function
from tf_imgtrans.core.saved_models import list_models
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.shipping.photographs import licensed_photographs
from tf_imgtrans.shipping.plans import get_plan

pytestmark = pytest.mark.slow
MODELS = [model for model in list_models() if model.task != "photo_enhancement"]


@pytest.mark.parametrize("shipped", MODELS, ids=lambda model: model.name)
def test_a_shipped_model_beats_the_naive_way(shipped, data_folder):
  plan, photographs = get_plan(shipped.name), licensed_photographs(data_folder / "free")
  recipe = find_recipe(plan.recipe)
  files = [f"{shipped.name}.keras", *(f"{shipped.name}{ending}.tflite" for ending in plan.precisions)]
  models = {file: load_model(shipped.path / file) for file in files}
  measured = Function(plan.measure)(models, recipe.make_task(recipe.preset("paper", **plan.fields)), photographs)
  assert not measured.faults
  assert measured.score["model"] == pytest.approx(shipped.score["model"], abs=0.05)
