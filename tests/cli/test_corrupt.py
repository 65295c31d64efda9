"""`tf-imgtrans corrupt`: files, masks, seeds by name, and folders with bad images."""

import functools
import shutil

import cv2
import numpy as np
import pytest
import recipes
from PIL import Image

from tf_imgtrans.core.images import read_image, read_uint8, to_uint8, write_image
from tf_imgtrans.core.seeds import seed_at, stream_number
from tf_imgtrans.data import corruptions
from tf_imgtrans.inference.predict import output_paths

call = functools.partial(recipes.call, "corrupt")


@pytest.fixture
def photographs(tmp_path, real_photograph):
  """Three crops of different sizes."""
  folder = tmp_path / "photographs"
  for name, height, width in (("a", 64, 48), ("b", 41, 57), ("c", 40, 40)):
    write_image(folder / f"{name}.png", real_photograph[100:100 + height, 150:150 + width])
  return folder


@pytest.fixture
def patches(tmp_path):
  folder = tmp_path / "patches"
  for number in range(3):
    write_image(folder / "below" / f"{number}.png", recipes.random_images(30, 36, 3, seed=number))
  return folder


def _read_mask(path):
  with Image.open(path) as image:
    assert image.format == "PNG" and image.mode == "L"
    return np.array(image)


def _key(seed, name):
  return seed_at(seed, "corrupt", stream_number(name))


@pytest.mark.parametrize("kind, flags, expected", [
    ("random_points", ["--share", 0.3], lambda image, key: corruptions.random_points(image, 0.3, key)),
    ("edge_points", ["--share", 0.2], lambda image, key: corruptions.edge_points(image, 0.2, key)),
    ("edge_points", ["--operator", "canny"], lambda image, key: corruptions.edge_points(image, 0.1, key, "canny")),
    ("color_noise", ["--valid_share", 0.15], lambda image, key: corruptions.color_noise(image, 0.15, key)),
    ("white_block", ["--size", 20, "--color", 0, 0.5, 1],
     lambda image, key: corruptions.white_block(image, 20, (0, 0.5, 1))),
    ("gaussian_noise", ["--std_unit", 0.2], lambda image, key: corruptions.gaussian_noise(image, 0.2, key)),
    ("gaussian_blur", ["--sigma_px", 3, 1], lambda image, key: corruptions.gaussian_blur(image, (3.0, 1.0))),
])
def test_images_and_masks_are_those_of_the_function(kind, flags, expected, photographs, tmp_path, capsys):
  out = tmp_path / "out"
  flags += [] if kind in ("white_block", "gaussian_blur") else ["--seed", 3]
  assert call(kind, photographs, "--out", out, *flags) == 0
  assert f"wrote 3 images with masks to {out}" in capsys.readouterr().out
  assert {path.name for path in out.iterdir()} == {f"{name}{end}.png" for name in "abc" for end in ("", "_mask")}
  for name in "abc":
    source = read_image(photographs / f"{name}.png")
    corrupted, mask = expected(source, _key(3, name))
    np.testing.assert_array_equal(read_uint8(out / f"{name}.png"), to_uint8(corrupted))
    written = _read_mask(out / f"{name}_mask.png")
    np.testing.assert_array_equal(written, mask[..., 0] * 255)
    np.testing.assert_array_equal(read_uint8(out / f"{name}.png")[written == 255], to_uint8(source)[written == 255])


def test_white_blocks(photographs, tmp_path):
  assert call("white_block", photographs, "--out", tmp_path / "out", "--size", 40) == 0
  corrupted = read_uint8(tmp_path / "out" / "b.png")
  assert (corrupted[:40, 8:48] == 255).all()
  assert not _read_mask(tmp_path / "out" / "b_mask.png")[:40, 8:48].any()


def test_color_blocks(photographs, patches, tmp_path):
  flags = ["--patches", patches, "--seed", 5, "--size", 10, 30]
  assert call("color_blocks", photographs, "--out", tmp_path / "free", *flags) == 0
  assert call("color_blocks", photographs, "--out", tmp_path / "middle", "--centered", *flags) == 0
  windows = [np.lib.stride_tricks.sliding_window_view(read_uint8(path), (10, 10), axis=(0, 1))
             for path in (patches / "below").iterdir()]
  for out in ("free", "middle"):
    for name in "abc":
      hidden = _read_mask(tmp_path / out / f"{name}_mask.png") == 0
      rows, columns = np.nonzero(hidden)
      top, left, side = rows[0], columns[0], round(np.sqrt(len(rows)))
      assert 10 <= side <= 30 and hidden[top:top + side, left:left + side].all() and len(rows) == side * side
      corner = read_uint8(tmp_path / out / f"{name}.png")[top:top + 10, left:left + 10].transpose(2, 0, 1)
      assert any((window == corner).all(axis=(2, 3, 4)).any() for window in windows)
      if out == "middle":
        assert (top, left) == ((hidden.shape[0] - side) // 2, (hidden.shape[1] - side) // 2)
  sides = {np.sqrt(np.sum(_read_mask(tmp_path / "free" / f"{name}_mask.png") == 0)) for name in "abc"}
  assert len(sides) > 1


def test_results_do_not_depend_on_the_other_images(photographs, tmp_path):
  assert call("random_points", photographs, "--out", tmp_path / "all") == 0
  Image.open(photographs / "b.png").save(tmp_path / "b.tif")
  assert call("random_points", tmp_path / "b.tif", "--out", tmp_path / "one") == 0  # and not on the format
  for name in ("b.png", "b_mask.png"):
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "all" / name).read_bytes()
  assert call("random_points", photographs, "--out", tmp_path / "other", "--seed", 1) == 0
  assert (tmp_path / "other" / "b.png").read_bytes() != (tmp_path / "all" / "b.png").read_bytes()
  shutil.copy(photographs / "b.png", photographs / "d.png")  # one image under two names: two draws
  assert call("random_points", photographs, "--out", tmp_path / "all") == 0
  assert (tmp_path / "all" / "b.png").read_bytes() != (tmp_path / "all" / "d.png").read_bytes()


def test_deep_and_grey_images(real_photograph, tmp_path):
  crop = (real_photograph[100:140, 150:200] * 65535).astype(np.uint16)
  cv2.imwrite(str(tmp_path / "deep.png"), crop)
  cv2.imwrite(str(tmp_path / "grey.png"), (crop[..., 0] >> 8).astype(np.uint8))
  assert call("color_noise", tmp_path / "deep.png", tmp_path / "grey.png", "--out", tmp_path / "out") == 0
  for name in ("deep", "grey"):
    kept = _read_mask(tmp_path / "out" / f"{name}_mask.png") == 255
    assert 0 < kept.mean() < 0.2
    np.testing.assert_array_equal(read_uint8(tmp_path / "out" / f"{name}.png")[kept],
                                  to_uint8(read_image(tmp_path / f"{name}.png"))[kept])


def test_it_does_what_it_can_of_a_bad_folder(photographs, patches, tmp_path, capfd):
  (photographs / "empty.png").touch()
  (photographs / "torn.png").write_bytes((photographs / "a.png").read_bytes()[:900])
  write_image(photographs / "dot.png", np.zeros((1, 1, 3), np.uint8))
  out = tmp_path / "out"
  assert call("white_block", photographs, "--out", out, "--size", 30) == 1
  published = capfd.readouterr()
  lines = [line for line in published.err.splitlines() if line.startswith(str(photographs))]
  assert len(lines) == 3 and "the file is empty" in lines[1] and "torn.png: the file is truncated" in lines[2]
  assert "dot.png: image of 1x1 pixels: expected 30x30 or more" in lines[0]
  assert "wrote 3 images with masks" in published.out and "3 failed" in published.out
  assert "Traceback" not in published.err
  assert sorted({path.stem.removesuffix("_mask") for path in out.iterdir()}) == ["a", "b", "c"]
  (patches / "below" / "0.png").write_text("no image")
  write_image(patches / "below" / "1.png", np.zeros((9, 50, 3), np.uint8))
  for number in range(12):
    shutil.copy(photographs / "a.png", photographs / f"a{number}.png")
  flags = ["--patches", patches, "--size", 8, 30, "--seed", 1]
  assert call("color_blocks", photographs / "a*.png", "--out", out, *flags) == 1
  errors = capfd.readouterr().err
  assert f"its patch {patches / 'below' / '0.png'}: not an image" in errors
  assert f"its patch {patches / 'below' / '1.png'} has 9x50 pixels: expected at least 30x30" in errors


def test_inputs_and_masks_have_names_of_their_own(photographs, tmp_path):
  shutil.copy(photographs / "b.png", photographs / "a_mask.png")
  before = {path.name: path.read_bytes() for path in photographs.iterdir()}
  for _ in range(2):  # into a folder of their own: every file once
    assert call("random_points", photographs, "--out", tmp_path / "out", "--share", 0.5) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.png", "a_mask.png", "a_mask_png.png", "a_mask_png_mask.png", "b.png", "b_mask.png",
        "c.png", "c_mask.png"]
  assert _read_mask(tmp_path / "out" / "a_mask.png").shape == (64, 48)
  assert call("random_points", *(photographs / f"{name}.png" for name in ("a", "b", "a_mask")), "--out", photographs) == 0
  for name, content in before.items():  # into their own folder: no input is touched
    assert (photographs / name).read_bytes() == content
  assert _read_mask(photographs / "a_out_mask.png").shape == (64, 48)
  assert _read_mask(photographs / "b_out_mask.png").shape == (41, 57)


def test_names_beside_are_kept_free(tmp_path):
  def names(*inputs, beside=("_mask",)):
    paths = output_paths([tmp_path / name for name in inputs], tmp_path / "out", beside=beside)
    return [path.stem for path in paths]

  assert names("a.png", "a_mask.png") == ["a", "a_mask_png"]
  assert names("a_mask.png", "a.png") == ["a_mask", "a_png"]
  assert names("a_mask.png", "a.png", beside=()) == ["a_mask", "a"]
  assert names("a.png", "a.jpg", "A.png") == ["a", "a_jpg", "A_png"]


@pytest.mark.parametrize("arguments, message", [
    (["random_points", "--out", "x"], "no images"),
    (["random_points", "a.png", "--out", "x", "--share", 5], "share is 5.0: expected a number above 0"),
    (["color_noise", "a.png", "--out", "x", "--valid_share", 0], "valid_share is 0.0"),
    (["edge_points", "a.png", "--out", "x", "--operator", "prewitt"], "sobel"),
    (["white_block", "a.png", "--out", "x", "--size", -3], "size is -3"),
    (["white_block", "a.png", "--out", "x", "--color", 255, 0, 0], "color is (255.0, 0.0, 0.0): expected"),
    (["gaussian_noise", "a.png", "--out", "x", "--std_unit", -1], "std_unit is -1.0: expected 0 or more"),
    (["gaussian_blur", "a.png", "--out", "x", "--sigma_px", 1, "nan"], "sigma_px is nan: expected 0 or more"),
    (["color_blocks", "a.png", "--out", "x"], "--patches"),
    (["color_blocks", "a.png", "--out", "x", "--patches", "nowhere"], "nowhere: no such file or folder"),
    (["color_blocks", "a.png", "--out", "x", "--patches", ".", "--size", 9, 3], "size is (9, 3)"),
    (["random_points", "a.png", "--out", "x", "--seed", -1], "seed is -1: expected 0 to"),
    (["random_points", "b.png", "--out", "x"], "b.png: no such file"),
    (["random_points", "a.png", "--out", "a.png"], "a.png is what this call reads"),
    (["random_point", "a.png", "--out", "x"], "did you mean 'random_points'"),
])
def test_a_wrong_call_says_what_is_right(arguments, message, tmp_path, capsys, monkeypatch):
  monkeypatch.chdir(tmp_path)
  write_image("a.png", np.zeros((8, 8, 3), np.uint8))
  assert call(*arguments) == 2
  published = capsys.readouterr()
  assert message in " ".join((published.err + published.out).replace("│", " ").split())
  assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
