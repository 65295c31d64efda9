"""`tf-imgtrans reproduce x_gans`: the table and the figures from end to end, on two dozen small images."""

import dataclasses
import functools
import json
import os
import shutil
import sys

import keras
import numpy as np
import pytest
import recipes
import reproduce
from reproduce import contents, fill, rescaling, rows, seeds_of_claims, text, verdicts

from tf_imgtrans.baselines import classical
from tf_imgtrans.baselines.on_demand.config import Config as OnDemandConfig
from tf_imgtrans.core.images import list_images, read_image, read_uint8, write_image
from tf_imgtrans.data.folders import read_photographs
from tf_imgtrans.data.pairs import digest
from tf_imgtrans.data.reconstruction import shares
from tf_imgtrans.data.resizing import resize
from tf_imgtrans.losses.vgg19 import VARIABLE
from tf_imgtrans.metrics import psnr, ssim
from tf_imgtrans.papers.x_gans.config import PRESETS
from tf_imgtrans.papers.x_gans.data import held_out, patch_store
from tf_imgtrans.papers.x_gans.rate_distortion import rate_distortion
from tf_imgtrans.recipes import create_generator
from tf_imgtrans.tables import x_gans
from tf_imgtrans.tables.curves import draw_curves
from tf_imgtrans.tables.published import x_gans as published
from tf_imgtrans.tables.published.x_gans import Key
from tf_imgtrans.tables.x_gans import Reconstruction, ReconstructionOptions

SIZE = 16
BLOCK = 8
SMALL = {"image_size": SIZE, "block_size": BLOCK, "tile_size": (2, BLOCK), "base_channels": 2, "residual_blocks": 1,
         "discriminators": 1, "discriminator_channels": 2, "batch_size": 2}
SMALL_ON_DEMAND = {"image_size": SIZE, "base_channels": 2, "batch_size": 5, "adaptation_images": 2, "adapt_every": 2}
POINTS, NOISE = published.POINT_SHARES, published.NOISE_SHARES
HELD_OUT, TUNING = Reconstruction.held_out, Reconstruction.tuning
call = functools.partial(reproduce.call, "x_gans")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  """Images to train on and two to measure."""
  folder = tmp_path_factory.mktemp("data") / "faces"
  fill(folder / "train", 6)
  fill(folder / "test" / "below", 3, seed=1)
  return folder


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
  return fill(tmp_path_factory.mktemp("patches"), 3, seed=2)


@pytest.fixture(autouse=True)
def small(monkeypatch):
  """Smaller networks and images than the small preset's, and no weights from the environment."""
  monkeypatch.delenv(VARIABLE, raising=False)
  monkeypatch.setitem(x_gans.CHANGES, "small", SMALL)
  monkeypatch.setitem(x_gans.ON_DEMAND_CHANGES, "small", SMALL_ON_DEMAND)
  monkeypatch.setattr(Reconstruction, "most", {"small": 2, "paper": 2})


def factor(recipe, config):
  """What a network of the fixture `untrained` multiplies its input by: X-GANs less, so that white does less harm."""
  return 0.95 - 0.1 * (recipe == "on_demand") - 0.01 * config.seed


def summary(training):
  found = read_photographs(training.options.data, training.options.validation_share).without_held_out(
      training.options.tuning_share).summary()
  if training.config.corruption == "color_blocks":
    found["patches_digest"] = digest(list_images([training.config.patches], recursive=True))
  return found


@pytest.fixture
def untrained(monkeypatch):
  """Every training ends at once, with a network that darkens; the list of the calls."""
  return reproduce.stub_training(monkeypatch, summary,
                                 lambda training: rescaling(factor(training.recipe, training.config)))


@pytest.fixture
def unmeasured(monkeypatch):
  """Nothing is trained or reconstructed: every score comes from `scores`, a dict of (key, seed) to PSNR."""
  scores = {}
  monkeypatch.setattr(Reconstruction, "score", lambda self, key, seed: {"psnr": scores.get((key, seed), 10.0), "ssim": 0.5})
  return scores


def corrupted(data, config, share):
  """(sources, masks, targets) [2, S, S, 3] of the measured images."""
  found = list(held_out(config, read_photographs(data, HELD_OUT).validation[:2], patch_store(config), share, centered=True))
  return [np.stack(part) for part in list(zip(*found))[1:]]


# Table 1.

def test_table1_measures_what_it_says(data, patches, tmp_path, untrained, capsys):
  out = tmp_path / "out"
  assert call("table1", "--data", data, "--patches", patches, "--out", out, "--steps", 2, "--seeds", 2, "--seed", 3) == 0
  found = rows(out, "table1")
  methods = ("input", "classical", "on_demand", "x_gans")
  assert list(found) == [f"{kind}_{method}" for kind in ("white_block", "color_blocks") for method in methods]
  assert [row["group"] for row in found.values()] == ["white block"] * 4 + ["cluttered block"] * 4
  assert [row["title"] for row in found.values()] == 2 * ["corrupted input", "without learning", "Gao and Grauman",
                                                          "X-GANs"]
  assert [(paper, name) for paper, name, *_ in untrained] == [
      (method, f"{kind}-{method}-seed{seed}") for kind in ("white_block", "color_blocks")
      for method in ("on_demand", "x_gans") for seed in (3, 4)]
  for _, name, config, _ in untrained:
    assert name.startswith(f"{config.corruption}-") and config.image_size == SIZE
    assert config.iterations == (1 if isinstance(config, OnDemandConfig) else 2)  # of five images, and of two
    assert config.patches == (str(patches) if config.corruption == "color_blocks" else "")
    if isinstance(config, OnDemandConfig):
      assert (config.bands, config.fill, config.load_scale) == ("extreme", "white", 1.0)
  for kind in ("white_block", "color_blocks"):
    config = dataclasses.replace(PRESETS["small"], **{**SMALL, "tile_size": (BLOCK, BLOCK)}, corruption=kind,
                                 patches=str(patches))
    sources, masks, targets = corrupted(data, config, None)
    assert (masks[:, 4:12, 4:12] == 0).all() and masks.mean() == 0.75
    outputs = {"input": [sources], "classical": [np.stack(list(map(classical.inpaint, sources, masks)))]}
    for _, name, trained, _ in untrained:
      if name.startswith(kind):
        paper = "on_demand" if "on_demand" in name else "x_gans"
        outputs.setdefault(paper, []).append(sources * np.float32(factor(paper, trained)))
    for method, each in outputs.items():
      row = found[f"{kind}_{method}"]
      assert [item["seed"] for item in row["measurements"]] == ([3, 4] if len(each) == 2 else [3])
      assert row["ours"]["psnr"]["values"] == pytest.approx([psnr(targets, output).mean() for output in each], abs=1e-4)
      assert row["ours"]["ssim"]["values"] == pytest.approx([ssim(targets, output).mean() for output in each], abs=1e-5)
      assert row["published"] == published.TABLE1.get(Key(kind, method), {})
      kept = sorted((out / "table1" / "images" / f"{kind}_{method}").iterdir())
      np.testing.assert_allclose(read_image(kept[0]), each[0][0].clip(0, 1), atol=0.51 / 255)  # of the first seed
      assert len(kept) == 2
  row = found["white_block_x_gans"]
  assert row["difference"]["psnr"] == pytest.approx(row["ours"]["psnr"]["mean"] - 24.99)
  assert len(verdicts(out, "table1")) == 2 and seeds_of_claims(out, "table1") == {2}
  for name in ("figure7", "figure8"):  # four columns, a row for each image
    assert read_image(out / "table1" / f"{name}.png").shape[1] > 4 * 192
  whole, shown = reproduce.report(out, "table1"), text(capsys.readouterr())
  assert whole["protocol"]["images"] == "2 of faces, held out" and whole["protocol"]["preset"] == "small"
  assert f"{verdicts(out, 'table1')[0]}: X-GANs beat on-demand learning behind a white block" in shown

  before = (out / "table1" / "table.json").read_bytes()
  assert call("table1", "--data", data, "--patches", patches, "--out", out, "--steps", 2, "--seeds", 2, "--seed", 3) == 0
  assert len(untrained) == 8 and "12 of 12 measurements are kept" in capsys.readouterr().out
  assert (out / "table1" / "table.json").read_bytes() == before


def test_table1_without_patches_measures_the_white_block(data, patches, tmp_path, untrained, capsys):
  out = tmp_path / "out"
  assert call("table1", "--data", data, "--out", out, "--steps", 2, "--seeds", 1) == 1
  found = rows(out, "table1")
  assert [name for name in found if not found[name]["failure"]] == [
      f"white_block_{method}" for method in ("input", "classical", "on_demand", "x_gans")]
  assert {row["failure"] for name, row in found.items() if name.startswith("color")} == {
      "cluttered blocks are cut from other images: give their folder with --patches"}
  assert verdicts(out, "table1") == ["undecided", "not measured"]
  assert "Traceback" not in capsys.readouterr().err and len(untrained) == 2
  # Given later, only what was missing is measured: its rows have failed, and none of them is kept.
  assert call("table1", "--data", data, "--out", out, "--steps", 2, "--seeds", 1, "--patches", patches) == 0
  assert "4 of 8 measurements are kept" in capsys.readouterr().out and len(untrained) == 4


# Figures 10 to 12.

def test_figure10_and_figure12_share_their_runs(data, tmp_path, untrained, capsys):
  out = tmp_path / "out"
  flags = ["--data", data, "--out", out, "--steps", 2, "--seeds", 1, "--test_images", 1]
  assert call("figure10", *flags) == 0
  assert [name for _, name, *_ in untrained] == ["random_points-on_demand-seed0", "random_points-x_gans-seed0",
                                                "edge_points-x_gans-seed0"]
  found = rows(out, "figure10")
  kinds = ("random_points_input", "random_points_classical", "random_points_on_demand", "random_points_x_gans",
           "edge_points_x_gans")
  assert list(found) == [f"{kind}_{share:.2f}" for share in POINTS for kind in kinds]
  assert [row["group"] for row in found.values()][::5] == [
      f"{percent}% of the pixels" for percent in (1, 2, 4, 6, 8, 10, 15, 20)]
  assert [row["title"] for row in found.values()][:5] == [
      "corrupted input", "without learning", "Gao and Grauman", "X-GANs", "X-GANs, edge points"]
  assert verdicts(out, "figure10")[5:] == ["not measured"]  # of scenes
  for kind in ("random_points", "edge_points"):
    config = dataclasses.replace(PRESETS["small"], **SMALL, corruption=kind)
    source, mask, target = (part[:1] for part in corrupted(data, config, 0.1))
    expected = {"x_gans": source * np.float32(0.95)}
    if kind == "random_points":
      expected.update(input=source, classical=classical.interpolate(source[0], mask[0])[None])
    for method, output in expected.items():
      assert found[f"{kind}_{method}_0.10"]["ours"]["psnr"]["mean"] == pytest.approx(psnr(target, output)[0], abs=1e-4)
  assert (out / "figure10" / "figure10.png").stat().st_size > 10_000
  drawn = read_image(out / "figure10" / "figure10.png")
  assert drawn.shape == (528, 768, 3) and 0.02 < (drawn.min(-1) < 0.9).mean() < 0.3
  assert f"wrote {out / 'figure10' / 'figure10.png'}" in capsys.readouterr().out
  height, width, _ = read_image(out / "figure10" / "figure4.png").shape
  assert width > 9 * 192 and 3 * 192 < height < 4 * 192  # eight shares and the original; the source and two methods
  height, width, _ = read_image(out / "figure10" / "figure9.png").shape
  assert width > 5 * 192 and 192 < height < 2 * 192  # of the one image that is measured

  assert call("figure12", *flags) == 0
  assert [name for _, name, *_ in untrained[3:]] == ["random_points-point_l1-seed0", "random_points-point_none-seed0"]
  l2, l1, none = (untrained[number][2] for number in (1, 3, 4))
  assert dataclasses.replace(l2, point_norm="l1") == l1 and dataclasses.replace(l2, weight_point=0.0) == none
  others = rows(out, "figure12")
  assert list(others) == [f"random_points_point_{loss}_{share:.2f}" for share in POINTS for loss in ("l2", "l1", "none")]
  assert [row["title"] for row in others.values()][:3] == ["L2", "L1", "none"]
  for share in POINTS:
    assert others[f"random_points_point_l2_{share:.2f}"]["ours"] == found[f"random_points_x_gans_{share:.2f}"]["ours"]
  assert (out / "figure12" / "figure12.png").stat().st_size > 10_000 and len(verdicts(out, "figure12")) == 2

  before = {path: path.read_bytes() for path in out.rglob("*.json")}
  capsys.readouterr()
  assert call("figure10", *flags) == call("figure12", *flags) == 0
  shown = capsys.readouterr().out
  assert "40 of 40 measurements are kept" in shown and "24 of 24 measurements are kept" in shown
  assert len(untrained) == 5 and {path: path.read_bytes() for path in out.rglob("*.json")} == before


def test_networks_of_ones_own_are_measured_and_nothing_is_trained(data, tmp_path, untrained, capsys):
  model = tmp_path / "half.keras"
  rescaling(0.5).save(model)
  flags = ["--data", data, "--out", tmp_path / "out", "--models", f"random_points-x_gans={model}"]
  assert call("figure10", *flags) == 0 and not untrained
  found = rows(tmp_path / "out", "figure10")
  kinds = ("random_points_input", "random_points_classical", "random_points_x_gans")
  assert list(found) == [f"{kind}_{share:.2f}" for share in POINTS for kind in kinds]
  sources, _, targets = corrupted(data, dataclasses.replace(PRESETS["small"], **SMALL), 0.1)
  assert found["random_points_x_gans_0.10"]["ours"]["psnr"]["values"] == [
      pytest.approx(psnr(targets, sources * np.float32(0.5)).mean(), abs=1e-4)]
  assert verdicts(tmp_path / "out", "figure10")[1:] == 5 * ["not measured"]
  rescaling(0.6).save(model)
  capsys.readouterr()
  assert call("figure10", *flags) == 2 and "was measured with digest" in text(capsys.readouterr())
  assert call("figure10", *flags[:-1], f"points={model}") == 2
  assert "random_points-x_gans" in text(capsys.readouterr())


def test_figure11_measures_colour_noise(data, tmp_path, untrained):
  out = tmp_path / "out"
  assert call("figure11", "--data", data, "--out", out, "--steps", 2, "--seeds", 2) == 0
  assert [name for _, name, *_ in untrained] == [f"color_noise-{method}-seed{seed}" for method in ("on_demand", "x_gans")
                                                for seed in (0, 1)]
  assert {shares(config) for _, _, config, _ in untrained if not isinstance(config, OnDemandConfig)} == {(0.05, 0.15)}
  found = rows(out, "figure11")
  assert list(found) == [f"color_noise_{method}_{share:.2f}" for share in NOISE
                         for method in ("input", "on_demand", "x_gans")]
  assert [row["group"] for row in found.values()][::3] == ["5% valid pixels", "10% valid pixels", "15% valid pixels"]
  config = dataclasses.replace(PRESETS["small"], **SMALL, corruption="color_noise")
  for share in NOISE:
    sources, _, targets = corrupted(data, config, share)
    row = found[f"color_noise_x_gans_{share:.2f}"]
    expected = [psnr(targets, sources * np.float32(each)).mean() for each in (0.95, 0.94)]
    assert row["ours"]["psnr"]["values"] == pytest.approx(expected, abs=1e-4)
    assert row["ours"]["psnr"]["spread"] > 0
    assert len(found[f"color_noise_input_{share:.2f}"]["measurements"]) == 1
  assert (out / "figure11" / "figure11.png").stat().st_size > 10_000


def test_scenes_stand_beside_faces(data, tmp_path, untrained):
  """Trained and measured on their own images, of which there are three; Figure 6 shows them."""
  scenes, out = tmp_path / "scenes", tmp_path / "out"
  fill(scenes / "train", 4, seed=5)
  fill(scenes / "test", 1, seed=6)
  flags = ["--data", data, "--scenes", scenes, "--out", out, "--steps", 2, "--seeds", 1]
  assert call("figure11", *flags) == 0
  assert [(name, options.data) for _, name, _, options in untrained] == [
      (f"{prefix}color_noise-{method}-seed0", folder) for prefix, folder in (("", data), ("scenes-", scenes))
      for method in ("on_demand", "x_gans")]
  found = rows(out, "figure11")
  assert list(found)[:6] == [f"{prefix}color_noise_{method}_0.05" for prefix in ("", "scenes_")
                             for method in ("input", "on_demand", "x_gans")]
  assert [row["title"] for row in found.values()][4:6] == ["Gao and Grauman, scenes", "X-GANs, scenes"]
  config = dataclasses.replace(PRESETS["small"], **SMALL, corruption="color_noise")
  for prefix, folder, count in (("", data, 2), ("scenes_", scenes, 1)):
    sources, _, targets = corrupted(folder, config, 0.05)
    row = found[f"{prefix}color_noise_x_gans_0.05"]
    assert len(sources) == count == row["measurements"][0]["images"]
    assert row["ours"]["psnr"]["mean"] == pytest.approx(psnr(targets, sources * np.float32(0.95)).mean(), abs=1e-4)
  protocol = reproduce.report(out, "figure11")["protocol"]
  assert protocol["images"] == "2 of faces, held out" and protocol["images of scenes"] == "1 of scenes, held out"
  assert verdicts(out, "figure11") == ["undecided", "undecided"]  # of one seed
  assert (out / "figure11" / "figure6.png").is_file()
  assert not call("figure10", *flags)
  assert verdicts(out, "figure10")[5] == "undecided"


def test_compression_takes_the_networks_of_figure10(data, tmp_path, untrained, monkeypatch, capsys):
  pytest.importorskip("constriction")
  for changes in (x_gans.CHANGES, x_gans.ON_DEMAND_CHANGES):  # of smaller images 1 % may be no pixel
    monkeypatch.setitem(changes, "small", {**changes["small"], "image_size": 32})
  flags = ["--data", data, "--out", tmp_path, "--steps", 2]
  assert call("compression", *flags) == 0
  assert [name for _, name, *_ in untrained] == ["random_points-x_gans-seed0", "edge_points-x_gans-seed0"]
  found = rows(tmp_path, "compression")
  assert list(found) == [f"{kind}_{method}_{share:.2f}" for share in POINTS for kind in ("random_points", "edge_points")
                         for method in ("classical", "x_gans")]
  assert [row["title"] for row in found.values()][:4] == [
      "interpolation, random points", "X-GANs, random points", "interpolation, edge points", "X-GANs, edge points"]
  images = [(path.stem, resize(read_uint8(path), 32)) for path in read_photographs(data, HELD_OUT).validation[:2]]
  for share in (0.01, 0.20):
    expected = rate_distortion(images, lambda source, mask: source * np.float32(0.95), [share], ["edge"])
    ours = found[f"edge_points_x_gans_{share:.2f}"]["ours"]
    for name in ("bits_per_pixel", "psnr", "ssim", "webp_psnr"):
      values = [image[name] for image in expected]
      assert None in values or ours[name]["mean"] == pytest.approx(np.mean(values), abs=1e-6), name
  assert found["edge_points_x_gans_0.01"]["ours"]["jpeg_psnr"]["mean"] is None  # no JPEG is so small
  assert len(verdicts(tmp_path, "compression")) == 3 and "not measured" in verdicts(tmp_path, "compression")[-1]
  assert (tmp_path / "compression" / "compression.png").stat().st_size > 10_000
  capsys.readouterr()
  assert call("figure10", *flags, "--seeds", 1) == 0
  assert len(untrained) == 3  # on-demand learning alone is trained anew


def test_a_figure_goes_on_where_a_row_failed(data, tmp_path, untrained, monkeypatch, capsys):
  fit, broken = Reconstruction.network, ["color_noise-x_gans"]

  def network(self, training, seed):
    if training.run in broken and seed == 1:
      raise ArithmeticError("loss term total is nan at step 1")
    return fit(self, training, seed)

  monkeypatch.setattr(Reconstruction, "network", network)
  flags = ["--data", data, "--out", tmp_path, "--steps", 2, "--seeds", 2]
  assert call("figure11", *flags) == 1
  found = rows(tmp_path, "figure11")
  assert [row["failure"] for row in found.values()] == 3 * ["", "", "seed 1: loss term total is nan at step 1"]
  assert seeds_of_claims(tmp_path, "figure11") == {1}  # the other seed is whole
  assert (tmp_path / "figure11" / "figure11.png").is_file()
  broken.clear()
  capsys.readouterr()
  assert call("figure11", *flags) == 0
  assert "12 of 15 measurements are kept" in capsys.readouterr().out


def test_the_presets(data, patches, tmp_path, unmeasured):
  """What would be trained: the papers' configurations in full length, or the small or tiny ones; --steps changes it."""
  options = ReconstructionOptions(data=data, patches=patches, preset="paper", test_images=1)
  for bench, iterations in ((Reconstruction(options, "table1"), (100_000, 1000)),  # of 1 image, and of 100
                            (Reconstruction(dataclasses.replace(options, steps=500), "table1"), (500, 5))):
    for kind in ("random_points", "color_noise", "white_block", "color_blocks"):
      ours, theirs = (bench.config(Key(kind, method)) for method in ("x_gans", "on_demand"))
      files = {"patches": str(patches)} if kind == "color_blocks" else {}
      assert ours == dataclasses.replace(PRESETS["paper"], corruption=kind, iterations=iterations[0], **files)
      assert shares(ours) == ((0.05, 0.15) if kind == "color_noise" else (0.01, 0.2))
      assert theirs == OnDemandConfig(corruption=kind, image_size=256, bands="extreme", fill="white", load_scale=1.0,
                                      flip=False, iterations=iterations[1], **files)
  for preset, iterations in (("small", 600), ("mini", 600), ("tiny", 4)):
    bench = Reconstruction(dataclasses.replace(options, preset=preset), "table1")
    configs = [bench.config(Key("random_points", method)) for method in ("x_gans", "on_demand")]
    assert configs[0].iterations == iterations
    images = [config.iterations * config.batch_size for config in configs]
    assert images[0] == images[1] or preset == "tiny"  # whose steps are fewer than a batch
    assert configs[0].image_size == configs[1].image_size
  out = tmp_path / "out"
  assert call("table1", "--data", data, "--patches", patches, "--out", out, "--preset", "paper", "--seeds", 1) == 0
  assert rows(out, "table1")["color_blocks_x_gans"]["details"]["config"]["image_size"] == 256


# The images, and the runs of other calls.

def test_no_more_images_than_there_are(data, tmp_path):
  options = ReconstructionOptions(data=data, out=tmp_path)
  assert len(Reconstruction(options, "table1").paths[""]) == 2  # of the preset
  more = Reconstruction(dataclasses.replace(options, test_images=50), "table1")
  assert more.paths[""] == sorted(data.glob("test/below/*.png"))
  fill(tmp_path / "one", 1)
  with pytest.raises(ValueError, match="one holds too few images to hold some out: give more"):
    _ = Reconstruction(dataclasses.replace(options, data=tmp_path / "one"), "table1").paths


def test_weights_are_found_and_are_no_condition_of_a_row(data, tmp_path, untrained, monkeypatch):
  out, weights = tmp_path / "out", tmp_path / "weights"
  weights.mkdir()
  (weights / "vgg19_some.npz").touch()
  flags = ["--data", data, "--out", out, "--steps", 2, "--seeds", 1, "--test_images", 1]
  assert call("figure11", *flags, "--weights", weights) == 0
  used = {recipe: config for recipe, _, config, _ in untrained}
  assert used["x_gans"].vgg_weights == str(weights / "vgg19_some.npz")
  assert rows(out, "figure11")["color_noise_x_gans_0.05"]["details"]["config"]["vgg_weights"] == ""
  monkeypatch.setenv(VARIABLE, "elsewhere.npz")
  (out / "figure11" / "rows" / "color_noise_x_gans_0.05-seed0.json").unlink()
  assert call("figure11", *flags) == 0  # the file has moved: neither the rows nor the run are refused
  assert len(untrained) == 2


def test_other_conditions_are_refused_and_nothing_is_lost(data, tmp_path, untrained, capsys):
  out, faces = tmp_path / "out", shutil.copytree(data, tmp_path / "faces")
  flags = ["--data", faces, "--out", out, "--seeds", 1, "--test_images", 1]
  assert call("figure11", *flags, "--steps", 2) == 0
  before = contents(out)

  def refused(*arguments):
    capsys.readouterr()
    assert call("figure11", *flags, *arguments) == 2
    assert contents(out) == before
    return text(capsys.readouterr())

  assert "config.iterations 2, and now it is 3: choose another --out" in refused("--steps", 3)
  assert "preset 'small', and now it is 'paper'" in refused("--preset", "paper")
  assert "images '1 of faces, held out', and now it is '2 of faces" in refused("--steps", 2, "--test_images", 2)
  write_image(faces / "test" / "below" / "image0.png", recipes.random_images(20, 24, 3))
  assert "was measured with digest" in refused("--steps", 2)  # an image of the same name


def test_a_run_on_other_images_is_not_taken(data, patches, tmp_path, untrained):
  for kind, flags in (("white_block", []), ("color_blocks", ["--patches", patches])):
    shutil.rmtree(tmp_path, ignore_errors=True)
    faces, out = shutil.copytree(data, tmp_path / "faces"), tmp_path / "out"
    flags = ["--data", faces, "--out", out, "--steps", 2, "--seeds", 1]
    assert call("table1", *flags, "--patches", shutil.copytree(patches, tmp_path / "patches")) == 0
    shutil.rmtree(out / "table1")
    changed = faces / "train" if kind == "white_block" else tmp_path / "patches"
    (changed / "image0.png").unlink()
    assert call("table1", *flags, "--patches", tmp_path / "patches") == 1
    failed = {name for name, row in rows(out, "table1").items() if "was trained on other images" in row["failure"]}
    assert failed == {f"{each}_{method}" for each in ("white_block", "color_blocks") for method in ("on_demand", "x_gans")
                      if kind == "white_block" or each == kind}


# Statements of whole figures; each of them is tested in test_statements.py.

def test_statements_of_a_whole_figure(data, tmp_path, unmeasured):
  """X-GANs are measured higher in one of three seeds, and the input, which has one seed, does not hinder."""
  for share in NOISE:
    unmeasured[Key("color_noise", "x_gans", share), 5] = 11.0
  assert call("figure11", "--data", data, "--out", tmp_path, "--seeds", 3, "--seed", 4) == 0
  assert verdicts(tmp_path, "figure11") == ["undecided", "not measured"] and seeds_of_claims(tmp_path, "figure11") == {3}


# Curves.

def test_curves(tmp_path):
  lines = {"with a spread": [(1, 10.0, 1.0), (2, 12.0, 0.5)], "one seed": [(1, 11.0, None), (2, 11.5, None)]}
  draw_curves(tmp_path / "new" / "a.png", lines, "known pixels (%)", "PSNR (dB)")
  drawn = read_image(tmp_path / "new" / "a.png")
  colours = {tuple(np.round(255 * pixel)) for pixel in drawn.reshape(-1, 3)}
  assert {(31, 119, 180), (255, 127, 14)} <= colours  # two lines
  assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


@pytest.mark.parametrize("table", ["figure10", "figure11", "figure12"])
def test_without_matplotlib_nothing_is_measured(table, data, tmp_path, untrained, monkeypatch, capsys):
  for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
    monkeypatch.delitem(sys.modules, name)
  monkeypatch.setitem(sys.modules, "matplotlib", None)
  assert call(table, "--data", data, "--out", tmp_path / "out", "--seeds", 1) == 2
  shown = text(capsys.readouterr())
  assert "curves are drawn by Matplotlib: pip install 'tf_imgtrans[plots]'" in shown and "Traceback" not in shown
  assert not untrained and not (tmp_path / "out").exists()


def test_the_table_needs_no_matplotlib(data, patches, tmp_path, unmeasured, monkeypatch):
  monkeypatch.setitem(sys.modules, "matplotlib", None)
  assert call("table1", "--data", data, "--patches", patches, "--out", tmp_path / "out", "--seeds", 1) == 0


# Wrong calls.

@pytest.mark.parametrize(("table", "flags", "message"), [
    ("table1", [], "no data folder: give one with --data"),
    ("figure12", [], "no data folder: give one with --data"),
    ("figure10", ["--data", "nowhere"], "no data folder nowhere: give one with photographs in it or below it"),
    ("figure11", ["--data", "empty"], "empty: no image in this folder"),
    ("figure11", ["--data", "one"], "one holds too few images to hold some out: give more"),
    ("figure12", ["--data", "faces", "--weights", "nowhere"], "no folder nowhere: give --weights"),
    ("figure12", ["--data", "faces", "--seeds", 0], "seeds is 0: expected 1 or more (--seeds)"),
    ("figure12", ["--data", "faces", "--steps", 0], "steps is 0"),
    ("figure12", ["--data", "faces", "--test_images", 0], "test_images is 0"),
    ("table1", ["--data", "faces", "--preset", "large"], "invalid choice 'large'"),
    ("table1", ["--data", "faces", "--out", "file"], "there is a file in its place: choose another --out"),
    ("figure13", [], "did you mean 'figure1"),
])
def test_a_wrong_call_says_what_is_right(table, flags, message, data, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  shutil.copytree(data, "faces")
  fill(tmp_path / "one", 1)
  (tmp_path / "empty").mkdir()
  (tmp_path / "file").write_text("mine")
  before = sorted(tmp_path.rglob("*"))
  assert call(table, *flags) == 2
  shown = text(capsys.readouterr())
  assert message in shown and "Traceback" not in shown
  assert sorted(tmp_path.rglob("*")) == before  # nothing is left behind


# With real trainings.

@pytest.fixture(scope="module")
def weights(tmp_path_factory):
  """A folder with the first three blocks of a VGG19, of random numbers."""
  folder = tmp_path_factory.mktemp("weights")
  reproduce.write_vgg(folder / "vgg19.npz")
  return folder


@pytest.mark.slow
def test_figure12_trains_its_networks(data, weights, tmp_path, monkeypatch):
  out = tmp_path / "out"
  monkeypatch.setattr(published, "POINT_SHARES", (0.01, 0.20))
  monkeypatch.setattr(published, "LOSSES", {"l2": "L2", "none": "none"})
  flags = ["--data", data, "--out", out, "--steps", 2, "--seeds", 1, "--weights", os.path.relpath(weights)]
  assert call("figure12", *flags) == 0
  found = rows(out, "figure12")
  assert len({row["ours"]["psnr"]["mean"] for row in found.values()}) == len(found) == 4  # every loss moved the weights
  for run in ("x_gans", "point_none"):
    described = json.loads((out / "runs" / f"random_points-{run}-seed0" / "run.json").read_text())
    assert (described["recipe"], described["config"]["iterations"]) == ("x_gans", 2) and "vgg19" in described["provenance"]
    assert described["data"] == read_photographs(data, HELD_OUT).without_held_out(TUNING).summary()
  network = keras.saving.load_model(out / "runs" / "random_points-x_gans-seed0" / "generator.keras")
  config = dataclasses.replace(PRESETS["small"], **SMALL)
  sources, _, targets = corrupted(data, config, 0.2)
  outputs = np.concatenate([network(source[None]).numpy() for source in sources])
  expected = pytest.approx(psnr(targets, outputs).mean(), abs=1e-4)
  assert found["random_points_point_l2_0.20"]["ours"]["psnr"]["mean"] == expected
  fresh = create_generator("x_gans", **{name: SMALL[name] for name in ("base_channels", "residual_blocks")},
                           normalization="batch")
  assert any((one != other).any() for one, other in zip(fresh.get_weights(), network.get_weights()))
  monkeypatch.setattr("tf_imgtrans.tables.runs.train", None)  # nothing is trained in a second call
  shutil.rmtree(out / "figure12" / "rows")
  assert call("figure12", *flags) == 0
  assert {name: row["ours"] for name, row in rows(out, "figure12").items()} == {
      name: row["ours"] for name, row in found.items()}


@pytest.mark.slow
def test_without_weights_the_rows_fail_by_name(data, tmp_path, monkeypatch):
  monkeypatch.setenv(VARIABLE, str(tmp_path / "missing.npz"))
  assert call("table1", "--data", data, "--out", tmp_path / "out", "--steps", 2, "--seeds", 1) == 1
  failures = [row["failure"] for row in rows(tmp_path / "out", "table1").values()]
  assert any("missing.npz" in (failure or "") for failure in failures)


@pytest.mark.slow
def test_the_tiny_preset_trains_the_networks_of_table1(data, patches, tmp_path, monkeypatch):
  monkeypatch.setattr(published, "BLOCKS", {"color_blocks": "cluttered block"})
  assert call("table1", "--data", data, "--patches", patches, "--out", tmp_path, "--preset", "tiny", "--seeds", 1) == 0
  found = rows(tmp_path, "table1")
  assert all(row["ours"]["psnr"]["mean"] > 0 and not row["failure"] for row in found.values())
  described = json.loads((tmp_path / "runs" / "color_blocks-on_demand-seed0" / "run.json").read_text())
  assert described["recipe"] == "on_demand" and "patches_digest" in described["data"]
