"""`compress` and `decompress` on a real photograph, and their rate and distortion beside JPEG and WebP."""

import io
import json
import re

import numpy as np
import pytest
import recipes
from PIL import Image
from recipes import call

from tf_imgtrans.baselines import classical
from tf_imgtrans.cli import codec as commands
from tf_imgtrans.core.images import read_uint8, write_image
from tf_imgtrans.papers.x_gans import points
from tf_imgtrans.recipes import create_generator

pytest.importorskip("constriction", reason="files of points are coded by constriction: pip install 'tf_imgtrans[codec]'")


@pytest.fixture(scope="module")
def photograph(real_photograph):
  """uint8 [120, 152, 3]."""
  return np.round(real_photograph[60:180, 100:252] * 255).astype(np.uint8)


@pytest.fixture
def image(photograph, tmp_path):
  write_image(tmp_path / "photo.png", photograph)
  return tmp_path / "photo.png"


@pytest.fixture
def packed(image, tmp_path, capsys):
  assert call("compress", image, "--points", "5%", "--out", tmp_path / "photo.xgp") == 0
  capsys.readouterr()
  return tmp_path / "photo.xgp"


@pytest.fixture(scope="module")
def halving_model(tmp_path_factory):
  """A model file: every value times 0.5."""
  import keras

  path = tmp_path_factory.mktemp("model") / "half.keras"
  keras.Sequential([keras.Input((None, None, 3)), keras.layers.Rescaling(0.5)]).save(path)
  return path


@pytest.mark.parametrize(("text", "share"), [
    ("1%", 0.01), ("0.01", 0.01), (" 2.5 %", 0.025), ("100%", 1.0), ("1e-3", 0.001)])
def test_shares_are_percents_or_parts(text, share):
  assert commands.parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["1", "5", "0", "0%", "-1%", "101%", "nan", "inf%", "many", "", "%"])
def test_other_shares_are_refused(text):
  with pytest.raises(ValueError, match="expected a share of the pixels such as 1% or 0.01"):
    commands.parse_share(text)


@pytest.mark.parametrize("sampling", ["edge", "random"])
def test_kept_pixels_come_back_exactly(sampling, image, photograph, tmp_path, capsys):
  from tf_imgtrans.data import corruptions

  assert call("compress", image, "--points", "5%", "--sampling", sampling, "--seed", 3, "--out", tmp_path / "p.xgp") == 0
  published = capsys.readouterr().out
  assert call("decompress", tmp_path / "p.xgp", "--out", tmp_path / "sparse.png", "--mask", tmp_path / "mask.png") == 0
  draw = corruptions.edge_points if sampling == "edge" else corruptions.random_points
  corrupted, mask = draw(photograph.astype(np.float32) / np.float32(255), 0.05, 3)
  recipes.assert_same(read_uint8(tmp_path / "sparse.png"), np.round(corrupted.numpy() * 255).astype(np.uint8))
  recipes.assert_same(read_uint8(tmp_path / "mask.png")[..., :1], (mask.numpy() * 255).astype(np.uint8))
  size, bits, points = re.search(r"([\d,]+) bytes, ([\d.]+) bits per pixel, ([\d,]+) points", published).groups()
  assert int(size.replace(",", "")) == (tmp_path / "p.xgp").stat().st_size
  assert int(points.replace(",", "")) == int(mask.numpy().sum())
  assert float(bits) == pytest.approx(8 * (tmp_path / "p.xgp").stat().st_size / (120 * 152), abs=1e-4)


def test_the_seed_decides_what_is_kept(image, tmp_path):
  for name, seed in (("a", 1), ("b", 1), ("c", 2)):
    assert call("compress", image, "--out", tmp_path / f"{name}.xgp", "--seed", seed) == 0
  files = [(tmp_path / f"{name}.xgp").read_bytes() for name in "abc"]
  assert files[0] == files[1] != files[2]


def test_a_model_gets_the_points_on_white(packed, halving_model, tmp_path):
  assert call("decompress", packed, "--out", tmp_path / "sparse.png", "--mask", tmp_path / "mask.png") == 0
  sparse, kept = read_uint8(tmp_path / "sparse.png"), read_uint8(tmp_path / "mask.png")[..., 0] > 0
  for flags in ([], ["--keep_points"]):
    assert call("decompress", packed, "--model", halving_model, "--out", tmp_path / "out.png", *flags) == 0
    halved = np.floor(sparse * 0.5 + 0.5).astype(np.uint8)
    expected = np.where(kept[..., None], sparse, halved) if flags else halved
    assert np.abs(read_uint8(tmp_path / "out.png").astype(int) - expected).max() <= 1
    assert not flags or np.array_equal(read_uint8(tmp_path / "out.png")[kept], sparse[kept])
  assert call("decompress", packed, "--model", halving_model, "--out", tmp_path / "out.jpg") == 0
  assert read_uint8(tmp_path / "out.jpg").shape == sparse.shape


@pytest.mark.parametrize(("recipe", "fields", "message"), [
    ("mux_demux", {}, "was trained for photo enhancement, not to rebuild"),
    ("rcan", {}, "was trained for super resolution, not to rebuild"),
    ("x_gans", {"corruption": "white_block"}, "was trained for the corruption white_block, not for scattered points"),
    ("x_gans", {"corruption": "edge_points"}, None), ("on_demand", {"corruption": "random_points"}, None)])
def test_a_model_of_another_task_is_refused(recipe, fields, message, packed, tmp_path, capsys):
  network = create_generator("srcnn", seed=0)
  network.task = {"recipe": recipe, "config": fields}
  network.save(tmp_path / "model.keras")
  status = call("decompress", packed, "--model", tmp_path / "model.keras", "--out", tmp_path / "out.png")
  assert status == (0 if message is None else 2) and (tmp_path / "out.png").exists() == (message is None)
  assert message is None or message in capsys.readouterr().err


def test_points_have_no_place_in_a_image_of_another_size():
  with pytest.raises(ValueError, match="the model gives 8x6 pixels for 4x3"):
    points.rebuild(lambda images: np.zeros((1, 6, 8, 3), np.float32), np.zeros((3, 4, 3), np.uint8),
                     np.zeros((3, 4), bool), keep_points=True)


def test_pixels_between_the_points_are_interpolated(packed, tmp_path):
  assert call("decompress", packed, "--interpolate", "--out", tmp_path / "out.png") == 0
  sparse, kept = commands._read(packed)
  expected = classical.interpolate(np.float32(sparse) / 255, kept[..., None])
  np.testing.assert_allclose(read_uint8(tmp_path / "out.png") / 255, expected, atol=0.51 / 255)
  np.testing.assert_array_equal(read_uint8(tmp_path / "out.png")[kept], sparse[kept])
  assert call("decompress", packed, "--interpolate", "--model", "any", "--out", tmp_path / "other.png") == 2
  assert not (tmp_path / "other.png").exists()


def test_points_are_unpacked_without_tensorflow(packed, tmp_path):
  recipes.run_python("import sys\nfrom tf_imgtrans.cli.main import main\n"
                     "try: main(sys.argv[1:])\nexcept SystemExit as stopped: assert not stopped.code\n"
                     "assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)\n",
                     "decompress", packed, "--out", tmp_path / "sparse.png")
  assert (tmp_path / "sparse.png").is_file()


@pytest.mark.parametrize(("arguments", "message"), [
    (["compress", "photo.png", "--out", "p.bin"], "expected a file name that ends in .xgp"),
    (["compress", "photo.png", "--out", "p.xgp", "--points", "1"], "such as 1% or 0.01"),
    (["compress", "photo.png", "--out", "p.xgp", "--points", "0.001%"], "no pixel of 152x120 was drawn"),
    (["compress", "photo.png", "--out", "p.xgp", "--seed", "-1"], "seed is -1"),
    (["compress", "photo.png", "--out", "p.xgp", "--sampling", "edges"], "sampling"),
    (["compress", "nothing.png", "--out", "p.xgp"], "nothing.png: no such file"),
    (["compress", "photo.xgp", "--out", "p.xgp"], "photo.xgp: not an image"),
    (["decompress", "nothing.xgp", "--out", "p.png"], "nothing.xgp: no such file"),
    (["decompress", "photo.png", "--out", "p.png"], "photo.png: not an .xgp file"),
    (["decompress", "torn.xgp", "--out", "p.png"], "torn.xgp: the file is cut short: has 40 bytes of"),
    (["decompress", "photo.xgp", "--out", "p.jpg"], "out is p.jpg: expected a .png"),
    (["decompress", "photo.xgp", "--out", "p.png", "--mask", "m.webp"], "mask is m.webp: expected a .png"),
    (["decompress", "photo.xgp", "--out", "p.png", "--mask", "p.png"], "expected two files"),
    (["decompress", "photo.xgp", "--out", "p.png", "--keep_points"], "name the model by --model"),
    (["decompress", "photo.xgp", "--out", "p.png", "--model", "none.keras"], "none.keras"),
])
def test_a_wrong_call_says_what_is_right(arguments, message, packed, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "torn.xgp").write_bytes(packed.read_bytes()[:40])
  before = sorted(tmp_path.iterdir())
  assert call(*arguments) == 2
  published = capsys.readouterr()
  text = " ".join((published.err + published.out).replace("│", " ").split())
  assert message in text and "Traceback" not in text
  assert sorted(tmp_path.iterdir()) == before


def test_a_missing_coder_is_a_wrong_call(packed, tmp_path, monkeypatch, capsys):
  import sys

  monkeypatch.setitem(sys.modules, "constriction", None)
  assert call("decompress", packed, "--out", tmp_path / "p.png") == 2
  assert "pip install 'tf_imgtrans[codec]'" in capsys.readouterr().err


def blurred(source, mask):
  """Interpolated and changed at the kept pixels too, as a generator's output is."""
  return classical.inpaint(source, mask) * np.float32(0.98)


def test_rate_and_distortion_beside_jpeg_and_webp(photograph):
  from tf_imgtrans.papers.x_gans.rate_distortion import rate_distortion

  images = [("left", photograph[:, :96]), ("right", photograph[:, 40:])]
  rows = rate_distortion(images, blurred, [0.02, 0.2])
  assert [(row["sampling"], row["share"], row["image"]) for row in rows] == [
      (sampling, share, name) for sampling in ("random", "edge") for share in (0.02, 0.2) for name in ("left", "right")]
  for row in rows:
    height, width = dict(images)[row["image"]].shape[:2]
    assert row["bits_per_pixel"] == 8 * row["bytes"] / (height * width)
    assert row["points"] == pytest.approx(row["share"] * height * width, rel=0.25)
    assert row["psnr_kept"] >= row["psnr"] > 8
    for rival in ("jpeg", "webp"):
      assert row[f"{rival}_bytes"] <= row["bytes"] and "quality" in row[f"{rival}_how"]
      assert 8 < row[f"{rival}_psnr"] < 60 and 0 < row[f"{rival}_ssim"] <= 1
  assert all(more["psnr"] > less["psnr"] and more["webp_psnr"] > less["webp_psnr"]
             for less, more in ((rows[0], rows[2]), (rows[5], rows[7])))
  assert rows == json.loads(json.dumps(rows))
  again, = rate_distortion(images[1:], blurred, [0.2], ["edge"])
  assert again == rows[7]


@pytest.mark.parametrize(("rival", "large", "small", "nothing"), [("jpeg", 6000, 700, 100), ("webp", 3000, 120, 20)])
def test_a_rival_fits_the_budget_or_is_shrunk_or_left_out(rival, large, small, nothing, photograph):
  from tf_imgtrans.papers.x_gans.rate_distortion import best_within

  whole, shrunk, none = (best_within(photograph, rival, budget) for budget in (large, small, nothing))
  assert whole[f"{rival}_bytes"] <= large and "shrunk" not in whole[f"{rival}_how"]
  assert shrunk[f"{rival}_bytes"] <= small and re.search(r"shrunk to \d+x\d+$", shrunk[f"{rival}_how"])
  assert shrunk[f"{rival}_psnr"] < whole[f"{rival}_psnr"]
  assert none[f"{rival}_psnr"] is None and none[f"{rival}_how"] == f"more than {nothing} bytes even at 2x2 pixels"


def test_a_rival_is_made_as_it_is_said(photograph):
  from tf_imgtrans.papers.x_gans.rate_distortion import best_within

  found = best_within(photograph, "jpeg", 6000)
  quality, chroma = re.fullmatch(r"quality (\d+), (4:\d:\d)", found["jpeg_how"]).groups()
  sizes = []
  for step in (0, 1):
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "JPEG", quality=int(quality) + step, subsampling=chroma, optimize=True,
                                     progressive=True)
    sizes.append(buffer.tell())
  assert sizes[0] == found["jpeg_bytes"] <= 6000 < sizes[1]
