"""`tf-imgtrans reproduce feature_pyramid_pan`: tables and figures from end to end, on a dozen small images."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import recipes
import reproduce
import scipy.ndimage
from reproduce import fill, report, rescaling, seeds_of_claims

from tf_imgtrans.baselines import classical
from tf_imgtrans.baselines.segmentation.config import TINY as TINY_SEGMENTER
from tf_imgtrans.baselines.segmentation.network import Segmenter
from tf_imgtrans.baselines.segmentation.score import fcn_scores, load_segmenter
from tf_imgtrans.core.images import read_image
from tf_imgtrans.data.labels import read_labels
from tf_imgtrans.data.translation import read_pair
from tf_imgtrans.metrics import psnr, sharpness, ssim
from tf_imgtrans.papers.feature_pyramid_pan.config import PRESETS, VARIANTS
from tf_imgtrans.papers.feature_pyramid_pan.data import DataFolder, find, held_out
from tf_imgtrans.tables import feature_pyramid_pan
from tf_imgtrans.tables.feature_pyramid_pan import Translation, TranslationOptions
from tf_imgtrans.tables.published import feature_pyramid_pan as published

IMAGES = 3
CLASSES = 11
call = functools.partial(reproduce.call, "feature_pyramid_pan")


def rows(out, table):
  return {name: row["ours"] for name, row in reproduce.rows(out, table).items()}


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
  """Labelled photographs in CamVid's layout."""
  return recipes.write_streets(tmp_path_factory.mktemp("streets"), 12)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
  folder = tmp_path_factory.mktemp("photographs")
  fill(folder / "train", 3, 72, 80)
  fill(folder / "test", 4, 72, 80, seed=1)
  return folder


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
  path = tmp_path_factory.mktemp("segmenter") / "fcn8s.keras"
  network = Segmenter(TINY_SEGMENTER)
  network(keras.Input((None, None, 3)))
  network.save(path)
  return path


def factor(config, method):
  """What a network of the fixture `untrained` multiplies its input by."""
  return 0.9 - 0.1 * (len(method) % 5) - 0.01 * config.seed


@pytest.fixture
def untrained(monkeypatch):
  """Every training ends at once, with a network that darkens; the list of the calls."""
  return reproduce.stub_training(
      monkeypatch, lambda training: training.recipe != "fcn8s" and find(training.config, DataFolder(
          training.options.data, training.options.validation_share)).without_held_out(
              training.options.tuning_share).summary(),
      lambda training: rescaling(factor(training.config, training.run.split("-")[1])))


def held(data, task, label_set="camvid"):
  """(configuration, Folder, sources, targets) of the measured images."""
  config = dataclasses.replace(PRESETS["small"], task=task, label_set=label_set)
  folder = find(config, DataFolder(data, feature_pyramid_pan.HELD_OUT.get(task, Translation.held_out)))
  _, sources, targets = zip(*held_out(config, folder, IMAGES))
  return config, folder, np.stack(sources), np.stack(targets)


def test_table1_is_the_fcn_score_of_the_outputs(streets, segmenter, tmp_path, untrained, capsys):
  flags = ["--data", streets, "--label_set", "camvid", "--segmenter", segmenter, "--test_images", IMAGES, "--steps", 2,
           "--seeds", 2, "--out", tmp_path]
  assert call("table1", *flags) == 0
  methods = ("cnn_objective", "without_conditional", "without_low", "without_high", "full", "full_upsampled")
  assert [(recipe, run) for recipe, run, *_ in untrained] == [
      ("feature_pyramid_pan", f"labels_to_photo-{method}-seed{seed}") for method in methods for seed in (0, 1)]
  for _, name, config, _ in untrained:
    changes = VARIANTS[name.split("-")[1]]
    assert config.iterations == 2 and config.label_set == "camvid" and config.task == "labels_to_photo"
    assert {field: getattr(config, field) for field in changes} == changes
  found = rows(tmp_path, "table1")
  assert list(found) == ["target", "class_colors", *methods]
  config, folder, sources, targets = held(streets, "labels_to_photo")
  labels = [read_labels(pair.source, "camvid") for pair in folder.validation[:IMAGES]]
  judge = load_segmenter(segmenter)
  expected = {"target": [targets], **{method: [sources * np.float32(factor(dataclasses.replace(config, seed=seed), method))
                                               for seed in (0, 1)] for method in methods}}
  for method, outputs in expected.items():
    for column in ("pixel_accuracy", "class_accuracy", "class_iou"):
      values = [fcn_scores(judge, list(output), labels, CLASSES)[column] for output in outputs]
      assert found[method][column]["values"] == pytest.approx(values, abs=1e-6), (method, column)
  whole = report(tmp_path, "table1")
  assert [row["published"] for row in whole["rows"]][2:] == [published.TABLE1.get(method, {}) for method in methods]
  assert len(whole["statements"]) == 5 and seeds_of_claims(tmp_path, "table1") == {2}
  assert not any(row["comparable"] for row in whole["rows"])
  assert (tmp_path / "table1" / "figure2.png").stat().st_size > 5_000
  capsys.readouterr()
  assert call("table1", *flags) == 0
  assert len(untrained) == 12 and "14 of 14 measurements are kept" in capsys.readouterr().out
  assert call("figure2", *flags) == 0 and len(untrained) == 12  # the runs are shared


def test_a_segmenter_of_its_own_for_each_seed(streets, tmp_path, untrained, monkeypatch):
  """The photographs themselves are measured by each, so that their spread is that of the segmenters."""
  scores = iter(range(100))
  monkeypatch.setattr("tf_imgtrans.baselines.segmentation.score.load_segmenter", lambda path: path.parent.name)
  monkeypatch.setattr("tf_imgtrans.baselines.segmentation.score.fcn_scores", lambda network, *_: {
      "class_iou": 0.1 * int(network[-1]) + 1e-6 * next(scores), "each": {}})
  assert call("table1", "--data", streets, "--label_set", "camvid", "--test_images", IMAGES, "--steps", 2, "--seeds", 2,
              "--seed", 4, "--out", tmp_path) == 0
  assert sorted(run for recipe, run, *_ in untrained if recipe == "fcn8s") == ["fcn8s-seed4", "fcn8s-seed5"]
  for name, row in rows(tmp_path, "table1").items():
    assert row["class_iou"]["values"] == pytest.approx([0.4, 0.5], abs=1e-3), name


def test_table2_measures_super_resolution(photographs, tmp_path, untrained):
  assert call("table2", "--data", photographs, "--test_images", IMAGES, "--steps", 2, "--seeds", 1, "--out", tmp_path) == 0
  methods = ("cnn_objective", "without_high_pyramid", "without_low", "full", "full_upsampled")
  assert [run for _, run, *_ in untrained] == [f"super_resolution-{method}-seed0" for method in methods]
  config, _, sources, targets = held(photographs, "super_resolution")
  found = rows(tmp_path, "table2")
  for method, share in (("input", 1.0), *((name, factor(config, name)) for name in methods)):
    outputs = (sources * np.float32(share)).clip(0, 1)
    assert found[method]["psnr"]["mean"] == pytest.approx(psnr(targets, outputs).mean(), abs=1e-4)
    assert found[method]["ssim"]["mean"] == pytest.approx(ssim(targets, outputs).mean(), abs=1e-5)
    assert found[method]["sharpness"]["mean"] == pytest.approx(sharpness(targets, outputs).mean(), abs=1e-5)
  assert psnr(targets, sources).min() > 20  # enlarged, and not blank
  assert len(report(tmp_path, "table2")["statements"]) == 7
  assert call("figure7", "--data", photographs, "--test_images", IMAGES, "--steps", 2, "--seeds", 1, "--out", tmp_path) == 0
  assert [run for _, run, *_ in untrained[len(methods):]] == ["super_resolution-drrn-seed0"]  # the others are shared
  assert read_image(tmp_path / "table2" / "figure3.png").shape[1] > 4 * 192


def simplest(name, config, folder, sources):
  """The naive row computed another way: the median by SciPy, the mean colour by a dictionary."""
  if name == "median":
    return np.stack([scipy.ndimage.median_filter(source, size=(3, 3, 1), mode="nearest") for source in sources])
  side = config.image_size
  if name == "inpainted":
    mask = np.ones((side, side, 1), np.float32)
    mask[side // 4:3 * side // 4, side // 4:3 * side // 4] = 0
    return np.stack([classical.inpaint(source, mask) for source in sources])
  seen = {}
  for pair in folder.without_held_out(Translation.tuning).training:
    source, target = read_pair(config, "labels", pair, side)
    for color, value in zip(map(bytes, source.reshape(-1, 3)), target.reshape(-1, 3) / 255):
      seen.setdefault(color, []).append(value)
  means = {color: np.mean(values, axis=0) for color, values in seen.items()}
  pixels = np.round(255 * sources).astype(np.uint8)
  return np.array([means[bytes(pixel)] for pixel in pixels.reshape(-1, 3)], np.float32).reshape(pixels.shape)


@pytest.mark.parametrize(("figure", "task", "naive", "methods"), [
    ("figure4", "inpainting", "inpainted", ("cnn_objective", "context_encoder_objective", "pix2pix_objective",
                                            "without_high_pyramid", "without_low", "full")),
    ("figure5", "labels_to_photo", "class_colors", ("cnn_objective", "pix2pix_objective", "crn", "full")),
    ("figure9", "desnowing", "median", ("cnn_objective", "full"))])
def test_figures_draw_the_methods_in_the_papers_order(figure, task, naive, methods, streets, photographs, tmp_path,
                                                      untrained):
  data = streets if figure == "figure5" else photographs
  flags = ["--data", data, "--label_set", "camvid", "--test_images", IMAGES, "--steps", 2, "--seeds", 1, "--out", tmp_path]
  assert call(figure, *flags, *(["--weather", "snow"] if figure == "figure9" else [])) == 0
  assert [run for _, run, *_ in untrained] == [f"{task}-{method}-seed0" for method in methods]
  assert [recipe for recipe, *_ in untrained] == ["crn" if method == "crn" else "feature_pyramid_pan" for method in methods]
  table = "figure9_snow" if figure == "figure9" else figure
  found = rows(tmp_path, table)
  assert list(found) == ["input", naive, *methods]
  shown = sorted((tmp_path / table / "images" / "full").iterdir())
  config, folder, sources, targets = held(data, task)
  simple = simplest(naive, config, folder, sources)
  assert found[naive]["psnr"]["mean"] == pytest.approx(psnr(targets, simple).mean(), abs=1e-4)
  expected = (sources * np.float32(factor(config, "full"))).clip(0, 1)
  assert len(shown) == IMAGES
  assert min(np.abs(read_image(shown[0]) - output).max() for output in expected) < 0.51 / 255
  assert read_image(tmp_path / table / f"{figure}.png").shape[1] > (len(methods) + 3) * 192


@pytest.mark.parametrize(("preset", "iterations", "segmenter_iterations"), [("small", 1000, 800), ("mini", 1000, 800),
                                                                          ("tiny", 4, 4), ("paper", None, None)])
def test_presets(preset, iterations, segmenter_iterations, streets, tmp_path, untrained, monkeypatch):
  options = TranslationOptions(data=streets, label_set="camvid", preset=preset, out=tmp_path)
  bench = Translation(options, "labels_to_photo", "figure5")
  sizes = {bench.config(method).image_size for method in ("full", "cnn_objective", "crn")}
  assert len(sizes) == 1  # the test images are those of the completed model
  monkeypatch.setattr("tf_imgtrans.baselines.segmentation.score.load_segmenter", lambda path: path)
  assert bench.segmenter(0) == tmp_path / "runs" / "fcn8s-seed0" / "generator.keras"
  found = {bench.config("full").iterations, bench.config("crn").iterations}
  assert iterations is None or (found, untrained[0].config.iterations) == ({iterations}, segmenter_iterations)
  assert bench.config("full") == dataclasses.replace(PRESETS["paper"], label_set="camvid") or preset != "paper"


def test_wrong_calls_say_what_is_missing(streets, tmp_path, capsys):
  assert call("table1", "--out", tmp_path) == 2 and "--data" in capsys.readouterr().err
  assert call("table2", "--data", streets, "--seeds", 0, "--out", tmp_path) == 2
  assert "expected 1 or more" in capsys.readouterr().err
  assert call("table1", "--data", streets, "--out", tmp_path) == 2  # CamVid's layout, and the default is Cityscapes
  assert "leftImg8bit" in capsys.readouterr().err


@pytest.mark.slow
def test_the_tiny_preset_trains_a_segmenter_and_networks(streets, tmp_path, monkeypatch):
  out = tmp_path / "out"
  monkeypatch.setattr(feature_pyramid_pan, "TABLE1", ("class_colors", "without_high", "full"))
  assert call("table1", "--data", streets, "--label_set", "camvid", "--preset", "tiny", "--seeds", 1, "--out", out) == 0
  assert sorted(folder.name for folder in (out / "runs").iterdir()) == sorted(
      ["fcn8s-seed0", *(f"labels_to_photo-{method}-seed0" for method in ("without_high", "full"))])
  assert all(np.isfinite(row["class_iou"]["mean"]) for row in rows(out, "table1").values())


@pytest.mark.slow
def test_the_tiny_preset_trains_other_networks_at_the_size_of_the_images(streets, tmp_path, monkeypatch):
  monkeypatch.setitem(feature_pyramid_pan.FIGURES, "figure5", ("input", "class_colors", "pix2pix_objective", "crn"))
  reproduce.write_vgg(tmp_path / "weights" / "vgg19.npz")
  assert call("figure5", "--data", streets, "--label_set", "camvid", "--preset", "tiny", "--out", tmp_path / "out",
              "--weights", tmp_path / "weights", "--seeds", 1) == 0
