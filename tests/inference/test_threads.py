"""A loaded model of each format may be called from several threads."""

import concurrent.futures

import numpy as np
import pytest
import recipes

from tf_imgtrans.core.formats import FORMATS
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.recipes import create_generator


@pytest.mark.export
@pytest.mark.parametrize("kind", FORMATS)
def test_from_threads(kind, tmp_path):
  network = create_generator("mux_demux_hp", growth_half=2, growth_quarter=2)
  network(np.zeros((1, 16, 16, 3), np.float32))
  path = FORMATS[kind].save(network, tmp_path / f"model{FORMATS[kind].suffix}")
  images = [recipes.random_images(1, 16 + 4 * (number % 2), 20, 3, seed=number) for number in range(16)]
  expected = [load_model(path)(image) for image in images[:4]]
  model = load_model(path)
  with concurrent.futures.ThreadPoolExecutor(8) as pool:
    made = list(pool.map(model, images))
  for one, other in zip(made, expected):
    np.testing.assert_allclose(one, other, atol=1e-5)
  for image, one in zip(images, made):
    np.testing.assert_allclose(one, model(image), atol=1e-5)
