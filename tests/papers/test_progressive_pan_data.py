"""Images of every stage, by their number alone."""

import dataclasses

import cv2
import numpy as np
import pytest
import recipes
from data_checks import assert_same_batches, take

from tf_imgtrans.core.images import read_uint8, write_image
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.degradations import low_resolution
from tf_imgtrans.papers.progressive_pan.config import TINY
from tf_imgtrans.papers.progressive_pan.data import find, held_out, pair, read, training_data
from tf_imgtrans.training.options import TrainingOptions

# Of 8 pixels one step, of 16 four.
PLAIN = dataclasses.replace(TINY, flip=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """Seven images to train on and three held out, wider or higher than the square in their middle."""
  root = tmp_path_factory.mktemp("faces")
  for index, image in enumerate(recipes.smooth_images(10, 32, 40, 3)):
    image = image if index % 2 else image.transpose(1, 0, 2)
    write_image(root / ("test" if index > 6 else "train") / "0" / f"{index}.png", image)
  return root


def _squares(folder, size):
  """The images as they should be, in the order of their names."""
  made = []
  for path in sorted(folder.rglob("*.png")):
    image = read_uint8(path)
    top, left = (image.shape[0] - 32) // 2, (image.shape[1] - 32) // 2
    made.append(cv2.resize(image[top:top + 32, left:left + 32], (size, size), interpolation=cv2.INTER_AREA))
  return np.float32(made) / 255


def test_every_stage_has_its_size(folder):
  data = training_data(PLAIN, find(folder))
  shapes = [(source.shape, target.shape) for source, target in take(data, 6)]
  assert shapes == [((4, 8, 8, 3), (4, 8, 8, 3))] + 5 * [((2, 8, 8, 3), (2, 16, 16, 3))]  # the last stage has no end


def test_what_the_images_are(folder):
  """Four epochs: the squares of the stage, each image once in an epoch; sources are means of 2x2 pixels."""
  config = dataclasses.replace(PLAIN, start_size=16, input_size=16, output_size=16, minibatch=(7,), stable=28)
  for source, target in take(training_data(config, find(folder)), 4):
    np.testing.assert_array_equal(source, target)
    known = _squares(folder / "train", 16)
    nearest = np.abs(target[:, None] - known).max((2, 3, 4))
    assert nearest.min(1).max() < 1e-6 and sorted(nearest.argmin(1)) == list(range(7))
  for source, target in take(training_data(PLAIN, find(folder)), 2, 1):
    np.testing.assert_allclose(source, target.reshape(2, 8, 2, 8, 2, 3).mean((2, 4)), atol=1e-6)


def test_half_of_the_images_are_mirrored(folder):
  plain, mirrored = (take(training_data(config, find(folder)), 20, 1) for config in (PLAIN, TINY))
  turned = []
  for (source, target), (other_source, other) in zip(plain, mirrored):
    for pair_of_images in zip(source, target, other_source, other):
      kept = np.array_equal(pair_of_images[1], pair_of_images[3])
      step = slice(None) if kept else slice(None, None, -1)
      np.testing.assert_allclose(pair_of_images[3], pair_of_images[1][:, step], atol=1e-6)
      np.testing.assert_allclose(pair_of_images[2], pair_of_images[0][:, step], atol=1e-6)
      turned.append(not kept)
  assert 0.2 < np.mean(turned) < 0.8


@pytest.mark.parametrize("start", [1, 2, 4])
def test_a_resumed_run_sees_what_the_whole_one_saw(folder, start):
  data = training_data(TINY, find(folder))
  whole = take(data, 6)
  assert_same_batches(take(data, 6 - start, start), whole[start:])


def test_two_workers_share_every_batch(folder):
  data = training_data(TINY, find(folder))
  whole = take(data, 4)
  parts = [take(data, 4, 0, Part(2, worker, 1)) for worker in (0, 1)]
  for batch, *shared in zip(whole, *parts):
    for place, expected in enumerate(batch):
      recipes.assert_same(np.concatenate([part[place] for part in shared]), expected)
  replicas = take(data, 8, 0, Part(1, 0, 2))  # two devices of one worker, one after the other
  for step, batch in enumerate(whole):
    recipes.assert_same(np.concatenate([replicas[2 * step][1], replicas[2 * step + 1][1]]), batch[1])


def test_held_out_images(folder):
  found = list(held_out(TINY, find(folder)))
  assert [name for name, *_ in found] == ["7", "8", "9"]
  for (_, source, target), expected in zip(found, _squares(folder / "test", 16)):
    np.testing.assert_allclose(target, expected, atol=1e-6)
    np.testing.assert_allclose(source, target.reshape(8, 2, 8, 2, 3).mean((1, 3)), atol=1e-6)
  assert [name for name, *_ in held_out(TINY, find(folder), 1)] == ["7"]


def test_bicubic_inputs(folder):
  """The same at every stage: of images of the output's size."""
  image = recipes.smooth_images(1, 32, 32, 3)[0]
  config = dataclasses.replace(PLAIN, output_size=32, low_resolution="bicubic")
  for size in (16, 32):
    source, target = pair(config, image, size, (0, 0))
    np.testing.assert_allclose(target, image.reshape(size, 32 // size, size, 32 // size, 3).mean((1, 3)), atol=1e-6)
    recipes.assert_same(source, low_resolution(image, 4))
  data = training_data(config, find(folder))
  assert [source.shape[1] for source, _ in take(data, 6)] == 6 * [8]


def test_degraded_inputs(folder):
  """From images of the output's size, at every stage; the same for the same seed, and targets stay clean."""
  always = {f"{name}_probability": 1.0 for name in ("gaussian", "motion", "noise", "jpeg")}
  config = dataclasses.replace(PLAIN, degrade=True, **always)
  clean = training_data(PLAIN, find(folder))
  data = training_data(config, find(folder))
  for (source, target), (clean_source, clean_target) in zip(take(data, 3), take(clean, 3)):
    assert source.shape == clean_source.shape
    np.testing.assert_allclose(target, clean_target, atol=2 / 255)  # shrunk in one step or in two
    assert 0.005 < np.abs(source - clean_source).mean() < 0.3
  once, again = (list(held_out(config, find(folder))) for _ in range(2))
  for a, b in zip(once, again):
    recipes.assert_same(a[1], b[1])
  never = dataclasses.replace(config, **{name: 0.0 for name in always})
  image = recipes.smooth_images(1, 16, 16, 3)[0]
  np.testing.assert_allclose(pair(never, image, 16, (1, 2))[0], pair(PLAIN, image, 16, (1, 2))[0], atol=1e-6)


def test_packed_images_are_the_same(folder, tmp_path):
  from tf_imgtrans.cli.data import pack

  assert not pack(folder / "train", tmp_path / "packed", size=16, smallest=8)
  packed = find(tmp_path / "packed", 0.3)
  assert packed.summary["kind"] == "packed" and len(packed.training) + len(packed.validation) == 7
  config = dataclasses.replace(PLAIN, minibatch=(len(packed.training),), stable=len(packed.training), fade=0)
  source, target = take(training_data(config, packed), 1, 1)[0]
  known = _squares(folder / "train", 16)
  nearest = np.abs(target[:, None] - known).max((2, 3, 4))
  assert nearest.min(1).max() < 1.01 / 255 and len(set(nearest.argmin(1))) == len(packed.training)
  assert [name for name, *_ in held_out(PLAIN, packed)] == [packed.names[number] for number in packed.validation]
  with pytest.raises(ValueError, match="size is 32: expected one that .* holds, 8, 16"):
    training_data(dataclasses.replace(PLAIN, output_size=32), packed)


def test_a_run_that_never_sees_what_is_held_out(folder, tmp_path):
  from tf_imgtrans.cli.data import pack

  assert not pack(folder, tmp_path / "packed", size=16, smallest=8)
  for images in (find(folder), find(tmp_path / "packed")):
    tuned = images.without_held_out(0.4)
    parts = [{tuned.names[number] for number in part} for part in (tuned.training, tuned.validation)]
    assert parts[0] | parts[1] == {str(index) for index in range(7)} and not parts[0] & parts[1] and all(parts)
    assert (tuned.summary["training"], tuned.summary["validation"]) == tuple(map(len, parts))
    known = _squares(folder / "train", 16)
    for _, target in take(training_data(PLAIN, tuned), 4, 1):
      assert {int(place) for place in np.abs(target[:, None] - known).max((2, 3, 4)).argmin(1)} <= set(map(int, parts[0]))


def test_parts_of_packed_images(folder, tmp_path):
  """Where they lay in DIR/train and DIR/test before."""
  from tf_imgtrans.cli.data import pack

  assert not pack(folder, tmp_path / "packed", size=16, smallest=8)
  packed = find(tmp_path / "packed")
  assert [packed.names[number] for number in packed.validation] == ["7", "8", "9"] and len(packed.training) == 7


def test_small_images_are_refused(folder):
  with pytest.raises(ValueError, match=r"10 of 10 images have less than 64 pixels:\n.*its shorter side has 32\n"):
    training_data(dataclasses.replace(TINY, output_size=64), find(folder))


def test_a_run_among_its_images_is_refused(folder):
  with pytest.raises(ValueError, match="in the data folder, where the run's previews would be taken for photographs"):
    read(TrainingOptions(folder / "train" / "run", data=folder))
  assert read(TrainingOptions(folder.parent / "run", data=folder)).summary["training"] == 7
