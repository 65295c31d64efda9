"""What a task says of inputs that are unlike those it trains on."""

import dataclasses

import numpy as np
import pytest
import recipes

from tf_imgtrans.core.images import read_image
from tf_imgtrans.data import enhancement
from tf_imgtrans.data.corruptions import edge_points, white_block
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.practice.phone_enhancement.recipe import PHONE
from tf_imgtrans.recipes import RECIPES, find_recipe


@pytest.mark.parametrize("brightness, texture, expected", [
    (0.3, 0.0, ""), (0.7, 0.0, "bright already (mean 0.7"), (0.3, 0.1, "sharp already"),
    (0.7, 0.1, "bright already (mean 0.70, where the model learned to brighten photographs of less than 0.56) and sharp")])
def test_bright_and_sharp_photographs_are_named(brightness, texture, expected):
  image = np.full((64, 64, 3), brightness, np.float32)
  image[::2, ::2] += texture
  image[1::2, 1::2] -= texture
  text = enhancement.remark(image)
  assert text.startswith(expected) and bool(text) == bool(expected)
  assert not text or "--strength" in text


def test_a_photograph_of_a_phone_is_not_remarked_on():
  image = phone_camera(read_image(held_out_photograph()), 1, **dataclasses.asdict(PHONE)).numpy()
  assert enhancement.remark(image) == ""
  assert enhancement.remark(image[:1, :1]) == ""


@pytest.mark.parametrize("corruption, corrupt", [
    ("edge_points", lambda image: edge_points(image, 0.05, 1)[0].numpy()),
    ("white_block", lambda image: white_block(image, 64)[0].numpy())])
def test_an_image_without_missing_pixels_is_named(corruption, corrupt):
  image = 0.8 * recipes.smooth_images(1, 128, 128, 3)[0]
  recipe = find_recipe("x_gans")
  task = recipe.make_task(recipe.preset("tiny", corruption=corruption, image_size=128, block_size=64))
  assert task.remark(corrupt(image)) == ""
  assert "0% of its pixels are white" in task.remark(image) and corruption in task.remark(image)


def test_a_block_of_another_colour_is_looked_for():
  image, color = 0.8 * recipes.smooth_images(1, 128, 128, 3)[0], (1.0, 0.25, 0.0)
  recipe = find_recipe("x_gans")
  task = recipe.make_task(recipe.preset("tiny", corruption="white_block", image_size=128, block_size=64, block_color=color))
  assert task.remark(white_block(image, 64, color)[0].numpy()) == ""
  assert "0% of its pixels are of the colour 1 0.25 0, where" in task.remark(white_block(image, 64)[0].numpy())


def test_colour_noise_is_not_looked_for():
  recipe = find_recipe("x_gans")
  task = recipe.make_task(recipe.preset("tiny", corruption="color_noise"))
  assert task.remark(recipes.smooth_images(1, 64, 64, 3)[0]) == ""


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_task_answers_in_words_or_has_no_remark(name):
  recipe = find_recipe(name)
  remark = recipe.make_task(recipe.preset("tiny")).remark
  assert remark is None or isinstance(remark(recipes.smooth_images(1, 64, 64, 3)[0]), str)
