"""Checkpoints: bit for bit, whole or not at all, and never fewer than before."""

import errno
import io
import tracemalloc
import warnings

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from training_helpers import child

from tf_imgtrans.training.checkpoints import Checkpoints

RNG = np.random.default_rng(0)
ODD = {
    "step": np.int64(2 ** 53 + 1),
    "generator/000/net/kernel": RNG.normal(size=(3, 3, 2, 4)).astype(np.float32),
    "none": np.zeros((0, 3), np.float32),
    "special": np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 1e-45], np.float32),
    "half": np.float16([[1 / 3]]),
    "brain": np.array([1 / 3, -0.0, np.inf], ml_dtypes.bfloat16),
    "double": np.float64([1 / 3]),
    "flag": np.bool_(True),
    "bytes": np.arange(256, dtype=np.uint8),
    "small": np.int8([-128, 127]),
    "long/" + "name" * 60: np.uint64(2 ** 64 - 1),
}


class Plain:
  """What checkpoints use of a variable, without the time that a real one takes."""

  def __init__(self, value):
    self.value = np.asarray(value)
    self.shape = self.value.shape

  def numpy(self):
    return self.value

  def assign(self, value):
    self.value = value


def variables(value=1.0):
  """Three variables as a trainer's state names them, filled with a value."""
  return {"step": Plain(np.int64(value)), "generator/000/kernel": Plain(np.full((3, 2), value, np.float32)),
          "optimizer/001/velocity": Plain(np.full((5,), value, np.float32))}


def values_of(state):
  return {name: variable.numpy().tobytes() for name, variable in state.items()}


def saved(folder, steps, keep=3):
  """Checkpoints of the given steps; that of step n holds the value n."""
  checkpoints = Checkpoints(folder, keep)
  for step in steps:
    assert checkpoints.save(step, variables(step))
  return checkpoints


def names(folder):
  return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", [tf.Variable, lambda value: keras.Variable(value, dtype=str(value.dtype))],
                         ids=["tensorflow", "keras"])
def test_round_trip_is_bitwise(tmp_path, kind):
  checkpoints = Checkpoints(tmp_path)
  checkpoints.save(7, {name: kind(value) for name, value in ODD.items()})
  blank = {name: kind(np.zeros_like(value)) for name, value in ODD.items()}
  assert checkpoints.restore(blank) == 7
  for name, value in ODD.items():
    assert blank[name].numpy().dtype == value.dtype, name
    assert blank[name].numpy().tobytes() == value.tobytes(), name


def test_nothing_to_restore(tmp_path):
  state = variables()
  before = values_of(state)
  assert Checkpoints(tmp_path / "none").restore(state) == 0
  assert values_of(state) == before


def test_only_the_newest_are_kept(tmp_path):
  checkpoints = saved(tmp_path, (10, 20, 30, 40), keep=2)
  assert checkpoints.steps() == [30, 40]
  assert names(tmp_path) == ["step-00000030.npz", "step-00000040.npz"]
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    assert checkpoints.restore(variables()) == 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """Bytes of a whole checkpoint of step 20."""
  folder = tmp_path_factory.mktemp("whole")
  return saved(folder, (20,)).path(20).read_bytes()


def check_fallback(checkpoints, content):
  """With this content in the newest checkpoint, the one before is read, with a warning; True if it was read anyway."""
  checkpoints.path(20).write_bytes(content)
  state = variables(99)
  with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    step = checkpoints.restore(state)
  assert values_of(state) == values_of(variables(step))
  if step == 20:
    assert not caught
    return True
  assert step == 10
  message, = (str(warning.message) for warning in caught if warning.category is UserWarning)
  assert "step-00000020.npz is torn" in message and "falling back" in message
  return False


def test_a_torn_newest_falls_back(tmp_path, whole):
  checkpoints = saved(tmp_path, (10, 20))
  for length in sorted({0, 1, 3, 4, len(whole) - 1, *range(0, len(whole), 61)}):
    assert not check_fallback(checkpoints, whole[:length]), length
  assert not check_fallback(checkpoints, b"\0" * len(whole))  # as a file whose blocks never reached the disk
  assert check_fallback(checkpoints, whole)


def test_arrays_that_are_not_those_named_make_a_checkpoint_torn(tmp_path, whole):
  """An altered directory hides an array, or shows another."""
  checkpoints = saved(tmp_path, (10, 20))
  with np.load(io.BytesIO(whole)) as file:
    arrays = dict(file)
  for others in ({name: array for name, array in arrays.items() if name != "step"}, {**arrays, "other": arrays["step"]}):
    content = io.BytesIO()
    np.savez(content, **others)
    assert not check_fallback(checkpoints, content.getvalue())


def test_checksums_are_compared_before_an_array_is_made(tmp_path, whole):
  checkpoints = saved(tmp_path, (10, 20))
  altered = whole.replace(b"(3, 2), }" + b" " * 7, b"(300000000, 2), }"[:16])  # 2.4 GB
  checkpoints.path(20).write_bytes(altered)
  assert len(altered) == len(whole) and altered != whole
  tracemalloc.start()
  try:
    with pytest.warns(UserWarning, match="Bad CRC-32 for file 'generator/000/kernel.npy'"):
      assert checkpoints.restore(variables()) == 10
    assert tracemalloc.get_traced_memory()[1] < 2 ** 27
  finally:
    tracemalloc.stop()


def test_any_altered_byte_is_noticed_or_harmless(tmp_path, whole):
  checkpoints = saved(tmp_path, (10, 20))

  @settings(max_examples=300, deadline=None)
  @given(places=st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(1, 255)), min_size=1, max_size=3))
  def check(places):
    content = bytearray(whole)
    for place, mask in places:
      content[place] ^= mask
    check_fallback(checkpoints, bytes(content))

  check()


def test_every_bit_at_the_end_of_the_file_is_noticed_or_harmless(tmp_path, whole):
  # The zip directory at the end has no checksum: an altered length in it hides entries, or makes them look encrypted.
  checkpoints = saved(tmp_path, (10, 20))
  for place in range(whole.rindex(b"PK\x01\x02"), len(whole)):
    for bit in range(8):
      content = bytearray(whole)
      content[place] ^= 1 << bit
      check_fallback(checkpoints, bytes(content))


def test_all_torn(tmp_path):
  checkpoints = saved(tmp_path, (10, 20))
  for step in (10, 20):
    checkpoints.path(step).write_bytes(b"PK")
  state = variables(99)
  with pytest.warns(UserWarning, match="torn"), pytest.raises(ValueError, match="none of the 2 checkpoints .* can be read"):
    checkpoints.restore(state)
  assert values_of(state) == values_of(variables(99))


@pytest.mark.parametrize("change, words", [
    ({"optimizer/002/extra": Plain(np.zeros(1, np.float32))}, "holds no optimizer/002/extra"),
    ({"optimizer/001/velocity": None}, "holds optimizer/001/velocity, which this run does not"),
    ({"optimizer/001/velocity": Plain(np.zeros(6, np.float32))}, r"shape \(5,\), expected \(6,\)"),
    ({"optimizer/001/velocity": Plain(np.zeros(5, np.int32))}, "type float32, expected int32"),
])
def test_another_configuration_changes_nothing(tmp_path, change, words):
  checkpoints = saved(tmp_path, (10, 20))
  state = {name: variable for name, variable in {**variables(99), **change}.items() if variable is not None}
  before = values_of(state)
  with pytest.raises(ValueError, match=f"step-00000020.npz.*{words}.*another configuration"):
    checkpoints.restore(state)
  assert values_of(state) == before


def test_a_write_that_fails_midway_leaves_the_older_ones(tmp_path, monkeypatch):
  checkpoints = saved(tmp_path, (10, 20), keep=1)
  assert checkpoints.steps() == [20]

  def full_disk(file, **arrays):
    file.write(b"PK\x03\x04")
    assert checkpoints.steps() == [20]  # nothing goes before the newer one is complete
    raise OSError(errno.ENOSPC, "No space left on device")

  with monkeypatch.context() as patch:
    patch.setattr(np, "savez", full_disk)
    with pytest.warns(UserWarning, match="step 30 could not be written.*No space left.*the newest is 20.*free some space"):
      assert not checkpoints.save(30, variables(30))
  assert names(tmp_path) == ["step-00000020.npz"]
  assert checkpoints.restore(variables()) == 20
  assert checkpoints.save(40, variables(40))
  assert checkpoints.steps() == [40]


def test_a_torn_later_one_does_not_push_out_the_newest_whole_one(tmp_path):
  checkpoints = saved(tmp_path, (10, 30), keep=2)
  checkpoints.path(30).write_bytes(b"PK")
  resumed = Checkpoints(tmp_path, keep=1)
  with pytest.warns(UserWarning, match="torn"):
    assert resumed.restore(variables()) == 10
  assert resumed.save(20, variables(20))
  with pytest.warns(UserWarning, match="torn"):
    assert resumed.restore(variables()) == 20


LIMITED = """
import resource, sys, warnings
import numpy as np
from tf_imgtrans.training.checkpoints import Checkpoints

class Variable:
  shape = (1000,)
  def numpy(self):
    return np.ones(1000, np.float32)

checkpoints = Checkpoints(sys.argv[1], keep=1)
assert checkpoints.save(10, {"weights": Variable()})
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # of 4000 bytes and the file's directory
print(checkpoints.save(20, {"weights": Variable()}))
"""


@pytest.mark.multiprocess
def test_a_write_that_the_method_refuses(tmp_path):
  """The limit stands for a full disk: the method takes a part of the file, then refuses more."""
  with child("-c", LIMITED, tmp_path) as limited:
    assert limited.finish().strip() == "False"
    assert "step 20 could not be written" in limited.errors() and "File too large" in limited.errors()
  assert names(tmp_path) == ["step-00000010.npz"]
