"""The convolution that rates are judged by."""

import numpy as np
import pytest

from tf_imgtrans.benchmark import convolution_runner
from tf_imgtrans.benchmark.convolution import CHANNELS, OPERATIONS, SIZE


def test_operations_by_hand():
  assert OPERATIONS == 2 * 3 * 3 * 64 * 64 * 360 * 640 == 16_986_931_200


@pytest.mark.parametrize("runtime", ["tensorflow", "tflite"])
def test_it_runs_as_often_as_it_is_asked_to(runtime):
  run = convolution_runner(runtime, threads=1)
  outputs = [run(), run()]
  if runtime == "tensorflow":
    assert outputs[0].shape == (1, *SIZE, CHANNELS) and np.isfinite(outputs[1]).all()


def test_a_runtime_is_called_by_its_name_or_by_a_format_s():
  assert convolution_runner("saved-model")().shape == (1, *SIZE, CHANNELS)
  with pytest.raises(ValueError, match="unknown runtime 'tfite': .* did you mean 'tflite'"):
    convolution_runner("tfite")
