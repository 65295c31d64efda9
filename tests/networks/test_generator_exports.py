"""Every kind of generator as SavedModel and as TensorFlow Lite file."""

import collections

import numpy as np
import pytest
import recipes
from ai_edge_litert.interpreter import Interpreter
from network_cases import GENERATORS

from tf_imgtrans.export import to_saved_model, to_tflite
from tf_imgtrans.inference.models import load_model

pytestmark = pytest.mark.export
# Those whose graph is another one's with other numbers.
ALIKE = {"mux_demux_hp, off", "x_gans, 3 downsamplings", "feature_pyramid_pan, transposed, affine", "resnet_8_32",
         "feature_pyramid_pan, fixed", "resnet_12_64", "cnn", "context_encoder, 128", "crn, none", "mux_demux_hp",
         "pix2pix, instance", "feature_pyramid_pan, resize, affine"}


@pytest.mark.parametrize("case", [case for case in GENERATORS if case not in ALIKE])
def test_exports(tmp_path, case):
  """With built-in operations, in four dimensions at most, at a fixed size and at any."""
  network = recipes.draw_weights(GENERATORS[case].make(seed=5))
  side = GENERATORS[case].fixed
  sizes = [(side, side)] if side else [(19, 22), (None, None)]
  images = recipes.smooth_images(1, *sizes[0], 3)
  to_saved_model(network, tmp_path / "saved")
  np.testing.assert_allclose(load_model(tmp_path / "saved")(images), network(images), atol=1e-4)
  for height, width in sizes:
    to_tflite(network, tmp_path / "m.tflite", height=height, width=width)
    np.testing.assert_allclose(load_model(tmp_path / "m.tflite")(images), network(images), atol=1e-4)
    interpreter = Interpreter(str(tmp_path / "m.tflite"))
    used = collections.Counter(detail["op_name"] for detail in interpreter._get_ops_details())
    assert not any("Flex" in operation or "CUSTOM" in operation for operation in used)
    assert max(len(detail["shape"]) for detail in interpreter.get_tensor_details()) <= 4
    for operation, count in GENERATORS[case].operations.items():
      assert used[operation] >= count and bool(used[operation]) == bool(count), operation
