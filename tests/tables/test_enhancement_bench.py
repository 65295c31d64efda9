"""Images and networks of the reproduced tables of photo enhancement: where they come from, and how they are scored."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
import recipes

from tf_imgtrans.baselines.enhancement.config import CONFIGS
from tf_imgtrans.cli.reproduce.enhancement import HELD_OUT, NETWORKS, Bench, EnhancementOptions, score_pairs
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.folders import read_folder
from tf_imgtrans.data.pairs import Pair
from tf_imgtrans.losses.vgg19 import VARIABLE
from tf_imgtrans.metrics import ms_ssim, niqe, psnr, ssim
from tf_imgtrans.metrics.scoring import montage
from tf_imgtrans.papers.mux_demux.config import Config


def fill(folder, count, size=16):
  for index, image in enumerate(recipes.smooth_images(count, size, size, 3)):
    write_image(folder / f"{index}.png", image)


@pytest.fixture
def data(tmp_path):
  """Twelve pairs of two paired folders below data/dped."""
  for name in ("phone", "canon"):
    fill(tmp_path / "data" / "dped" / name, 12)
  return tmp_path / "data" / "dped"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
  monkeypatch.delenv(VARIABLE, raising=False)


def bench(data, tmp_path, **options):
  """Of a mini preset of seven steps."""
  return Bench(EnhancementOptions(data=data, **{"out": tmp_path / "out", **options}), 7)


def touch(folder, *names):
  folder.mkdir(parents=True, exist_ok=True)
  for name in names:
    (folder / name).touch()


# The data.

def test_the_data_are_a_folder_or_dped_within_it(data, tmp_path):
  folders = [bench(given, tmp_path).folder for given in (data, data.parent)]
  assert folders[0] == folders[1] == read_folder(data, HELD_OUT)
  assert len(folders[0].validation) == 12 - len(folders[0].training) > 0


def test_data_that_cannot_be_measured_on(data, tmp_path):
  with pytest.raises(ValueError, match="no data folder: give one with --data"):
    bench(None, tmp_path)
  with pytest.raises(FileNotFoundError, match="no data folder .*nowhere"):
    _ = bench(tmp_path / "nowhere", tmp_path).folder
  with pytest.raises(ValueError, match="canon holds photographs without targets.* needs pairs"):
    _ = bench(data / "canon", tmp_path).folder
  for name in ("phone", "canon"):
    fill(tmp_path / "one" / name, 1)
  with pytest.raises(ValueError, match="holds one pair, so that none can be held out"):
    _ = bench(tmp_path / "one", tmp_path).folder


def test_a_phone_is_chosen_and_a_missing_one_named(tmp_path):
  for name in ("iphone", "sony", "canon"):
    fill(tmp_path / "patches" / name, 5)
  assert {pair.source.parent.name for pair in bench(tmp_path, tmp_path, phone="sony").folder.training} == {"sony"}
  with pytest.raises(ValueError, match="holds iphone, sony: choose one with --phone"):
    _ = bench(tmp_path, tmp_path).folder
  with pytest.raises(FileNotFoundError, match="holds iphone, sony, not blackberry"):
    _ = bench(tmp_path, tmp_path, phone="blackberry").folder


@pytest.mark.parametrize(("options", "message"), [
    ({"steps": 0}, r"steps is 0: .*greater than or equal to 1 \(--steps\)"), ({"seed": -1}, r"seed is -1.*\(--seed\)"),
    ({"preset": "maxi"}, r"preset is 'maxi'.*\(--preset\)"), ({"phone": "nokia"}, r"phone is 'nokia'.*\(--phone\)")])
def test_illegal_options(options, message):
  with pytest.raises(ValueError, match=message):
    EnhancementOptions(**options)


# Where a row's network comes from.

def test_a_public_checkpoint_is_found_in_the_data_or_beside_them(data, tmp_path, monkeypatch):
  assert bench(data, tmp_path).origin("srcnn") == ("trained", None)
  beside, within, given = data.parent / "weights" / "deep" / "er", data / "weights", tmp_path / "given"
  touch(beside, "dped_srcnn.index")
  assert bench(data, tmp_path).origin("srcnn") == ("public checkpoint", beside / "dped_srcnn.index")
  monkeypatch.chdir(data)
  assert bench(pathlib.Path("."), tmp_path).origin("srcnn") == ("public checkpoint", beside / "dped_srcnn.index")
  touch(within, "dped_srcnn.index")
  assert bench(data, tmp_path).origin("srcnn") == ("public checkpoint", within / "dped_srcnn.index")
  touch(given, "dped_srcnn.index")
  assert bench(data, tmp_path, weights=given).origin("srcnn") == ("public checkpoint", given / "dped_srcnn.index")


def test_which_checkpoint_is_which_network(data, tmp_path):
  weights = data / "weights"
  touch(weights, "iphone_orig.index", "sony_orig.index", "dped_resnet_8_32.index")

  def stems(**options):
    made = bench(data, tmp_path, **options)
    return {name: made.origin(name)[1].stem for name in NETWORKS if made.origin(name)[0] == "public checkpoint"}

  assert stems() == {"dped": "iphone_orig", "resnet_12_64": "iphone_orig", "resnet_8_32": "dped_resnet_8_32"}
  assert stems(phone="sony")["dped"] == "sony_orig"
  touch(weights, "dped_resnet_12_64.index", "johnson.index", "mux_demux.index")  # the challenge's own; none of the others
  assert stems() == {"dped": "iphone_orig", "resnet_12_64": "dped_resnet_12_64", "resnet_8_32": "dped_resnet_8_32"}


def test_a_given_model_goes_before_a_checkpoint_and_a_checkpoint_before_training(data, tmp_path):
  touch(data / "weights", "dped_srcnn.index")
  (tmp_path / "my=model.keras").touch()
  made = bench(data, tmp_path, models=(f"srcnn={tmp_path}/my=model.keras",))
  assert made.origin("srcnn") == ("given", f"{tmp_path}/my=model.keras")
  assert bench(data, tmp_path).origin("srcnn")[0] == "public checkpoint"
  assert bench(data, tmp_path).origin("dped")[0] == "trained"
  given, public, trained = made.details("srcnn"), bench(data, tmp_path).details("srcnn"), made.details("dped")
  assert (given["network"], given["file"]) == ("given", "my=model.keras")
  assert (public["network"], public["file"]) == ("public checkpoint", "dped_srcnn.index")
  assert trained == {"network": "trained", "config": dataclasses.asdict(made.config("dped"))}
  assert trained["config"]["vgg_weights"] == ""  # a weights file may move


def test_details_tell_models_apart_by_their_content(data, tmp_path):
  def digest(path):
    return bench(data, tmp_path, models=(f"srcnn={path}",)).details("srcnn")["digest"]

  run = tmp_path / "run"
  touch(run, "generator.keras", "scalars.jsonl")
  empty = digest(run)
  (run / "scalars.jsonl").write_text("a log")
  assert digest(run) == digest(run / "generator.keras") == empty
  (run / "generator.keras").write_bytes(b"other weights")
  assert digest(run) == digest(run / "generator.keras") != empty
  exported = tmp_path / "saved" / "1"
  touch(exported, "saved_model.pb")
  before = digest(tmp_path / "saved")
  (exported / "saved_model.pb").write_bytes(b"other graph")
  assert digest(tmp_path / "saved") != before
  touch(data / "weights", "dped_srcnn.index", "dped_srcnn.data-00000-of-00001")
  public = bench(data, tmp_path).details("srcnn")["digest"]
  (data / "weights" / "dped_srcnn.data-00000-of-00001").write_bytes(b"other weights")
  assert bench(data, tmp_path).details("srcnn")["digest"] != public


@pytest.mark.parametrize(("models", "error", "message"), [
    (("srcnn",), ValueError, "--models 'srcnn': expected NAME=MODEL, such as mux_demux=runs/iphone"),
    (("srcn=m.keras",), ValueError, "unknown row 'srcn': .*did you mean 'srcnn'"),
    (("input=m.keras",), ValueError, "unknown row 'input'"), (("ape=m.keras",), ValueError, "unknown row 'ape'"),
    (("srcnn=no_such.keras",), FileNotFoundError, "--models 'srcnn=no_such.keras': no file or folder no_such.keras"),
    (("srcnn=",), ValueError, "--models 'srcnn=': expected NAME=MODEL")])
def test_models_that_cannot_be_taken(models, error, message, data, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  touch(tmp_path, "m.keras")
  with pytest.raises(error, match=message):
    bench(data, tmp_path, models=models)


def test_a_weights_folder_that_does_not_exist(data, tmp_path):
  with pytest.raises(FileNotFoundError, match="no folder .*nowhere: give --weights the folder with the public checkpoints"):
    bench(data, tmp_path, weights=tmp_path / "nowhere")


# How a row's network is trained.

@pytest.mark.parametrize("name", NETWORKS)
def test_the_paper_preset_is_the_papers(name, data, tmp_path):
  paper = {"mux_demux": Config(), "mux_demux_hp": Config(network="high_performance"), **CONFIGS}[name]
  made = bench(data, tmp_path, preset="paper")
  assert made.config(name) == paper
  assert made.config(name, seed=3) == dataclasses.replace(paper, seed=3)
  assert bench(data, tmp_path, preset="paper", steps=9).config(name) == dataclasses.replace(paper, iterations=9)


DEEP = {"perceptual_layer": "block3_conv1", "contextual_layers": ("block3_conv1",), "weight_perceptual": 0.001}


@pytest.mark.parametrize(("name", "deep"), [
    ("mux_demux", True), ("mux_demux_hp", True), ("dped", True), ("resnet_8_32", True), ("resnet_12_64", True),
    ("srcnn", False), ("johnson", False)])
def test_the_mini_preset_changes_what_two_cores_need(name, deep, data, tmp_path):
  expected = dataclasses.replace(NETWORKS[name], patch_size=64, batch_size=8, flip=True, iterations=7,
                                 **(DEEP if deep else {}))
  assert bench(data, tmp_path).config(name) == expected
  assert bench(data, tmp_path, steps=11).config(name).iterations == 11
  changed = bench(data, tmp_path).config(name, weight_perceptual=0.0, weight_l1=3.0)
  assert changed == dataclasses.replace(expected, weight_perceptual=0.0, weight_l1=3.0)


@pytest.fixture
def trainings(monkeypatch):
  """Puts a training in the place of the real one that writes a fresh SRCNN at once; the list of its calls."""
  from tf_imgtrans.generators import create_generator

  calls = []

  def train(paper, config, options):
    calls.append((paper, config, options))
    options.out.mkdir(parents=True, exist_ok=True)
    summary = read_folder(options.data, options.validation_share, options.phone).summary()
    (options.out / "run.json").write_text(json.dumps({"config": dataclasses.asdict(config), "data": summary}))
    create_generator("srcnn", seed=config.seed).save(options.out / "generator.keras")

  monkeypatch.setattr("tf_imgtrans.cli.train.train", train)
  return calls


def test_a_trained_network_is_trained_once(data, tmp_path, trainings):
  image = recipes.smooth_images(1, 16, 16, 3)
  first = bench(data, tmp_path, seed=3).network("srcnn")(image)
  (paper, config, options), = trainings
  assert (paper, config) == ("srcnn", bench(data, tmp_path).config("srcnn", seed=3))
  assert (options.out, options.data, options.resume) == (tmp_path / "out" / "runs" / "srcnn-seed3", data, False)
  assert options.validation_share == HELD_OUT
  recipes.assert_same(bench(data, tmp_path, seed=3).network("srcnn")(image), first)
  assert len(trainings) == 1
  bench(data, tmp_path, seed=4).network("srcnn")
  bench(data, tmp_path).network("mux_demux_hp")
  assert [call[0] for call in trainings] == ["srcnn", "srcnn", "mux_demux"]


def test_a_stopped_run_goes_on_and_a_longer_one_too(data, tmp_path, trainings):
  bench(data, tmp_path).network("srcnn")
  (tmp_path / "out" / "runs" / "srcnn-seed0" / "generator.keras").unlink()
  bench(data, tmp_path).network("srcnn")
  bench(data, tmp_path, steps=20).network("srcnn")
  assert [(call[2].resume, call[1].iterations) for call in trainings] == [(False, 7), (True, 7), (True, 20)]


def test_vgg19_is_taken_from_the_weights_unless_the_environment_names_one(data, tmp_path, trainings, monkeypatch):
  for seed, (file, variable) in enumerate([(None, ""), ("other.npz", ""), ("vgg19_notop.h5", ""), ("vgg19_blocks.npz", ""),
                                           ("vgg19_blocks.npz", "mine.npz")]):
    touch(data.parent / "weights", *([file] if file else []))
    monkeypatch.setenv(VARIABLE, variable)
    bench(data, tmp_path, seed=seed).network("johnson")
  weights = data.parent / "weights"
  assert [config.vgg_weights for _, config, _ in trainings] == [
      "", "", str(weights / "vgg19_notop.h5"), str(weights / "vgg19_blocks.npz"), ""]


def test_weights_of_vgg19_may_move(data, tmp_path, trainings):
  touch(data / "weights", "vgg19.npz")
  bench(data, tmp_path).network("johnson")
  assert trainings[0][1].vgg_weights == str(data / "weights" / "vgg19.npz")
  (data / "weights" / "vgg19.npz").unlink()
  bench(data, tmp_path).network("johnson")
  assert len(trainings) == 1


def test_a_run_of_something_else_is_refused(data, tmp_path, trainings):
  bench(data, tmp_path).network("srcnn")
  run = tmp_path / "out" / "runs" / "srcnn-seed0"
  with pytest.raises(ValueError, match=f"{run} was trained with patch_size 64, and now it is 100: choose another --out, or "
                                       "remove that folder"):
    bench(data, tmp_path, preset="paper", steps=7).network("srcnn")
  for name in ("phone", "canon"):
    fill(tmp_path / "others" / name, 9)
  with pytest.raises(ValueError, match=f"{run} was trained on other images than those of .*others: choose another --out"):
    bench(tmp_path / "others", tmp_path).network("srcnn")
  assert len(trainings) == 1


def test_photographs_are_measured_with_networks_that_pairs_have_trained(data, tmp_path, trainings):
  bench(data, tmp_path).network("srcnn")
  fill(tmp_path / "photographs", 2)
  bench(tmp_path / "photographs", tmp_path).network("srcnn")
  assert len(trainings) == 1
  with pytest.raises(ValueError, match="photographs holds photographs without targets: what is trained"):
    bench(tmp_path / "photographs", tmp_path).network("dped")
  assert len(trainings) == 1


def test_a_model_takes_images_of_all_sizes_and_is_run_unclipped_where_it_can_be(data, tmp_path):
  import keras

  from tf_imgtrans.generators import create_generator

  network = create_generator("srcnn")
  network.bias.assign(np.full(network.bias.shape, 9.0))  # 0.58 tanh + 0.5 is 1.08 everywhere
  network.save(tmp_path / "bright.keras")
  keras.Sequential([keras.Input((None, None, 3)), keras.layers.Rescaling(2.0)]).save(tmp_path / "plain.keras")
  made = bench(data, tmp_path, models=(f"srcnn={tmp_path}/bright.keras", f"dped={tmp_path}/plain.keras"))
  bright, plain = made.network("srcnn"), made.network("dped")
  for size in ((16, 24), (40, 31)):
    image = recipes.random_images(1, *size, 3)
    assert bright(image).shape == image.shape and np.all(bright(image) == 1)
    np.testing.assert_allclose(bright(image, clip=False), 1.08, atol=1e-6)
    recipes.assert_same(plain(image, clip=False), 2 * image)  # knows no clipping


# Scores.

def overshoot(images, clip=True):
  """Brightens beyond white; as networks whose last layer leaves [0, 1]."""
  images = np.float32(1.3) * images
  return np.clip(images, 0, 1) if clip else images


@pytest.fixture
def three_pairs(tmp_path, real_photograph):
  """Three pairs of 100x100, the middle one twice the same file: (pairs, sources, targets)."""
  pairs = []
  for index in range(3):
    target = real_photograph[60 * index:60 * index + 100, 100:200]
    pair = Pair(tmp_path / "low" / f"{index}.png", tmp_path / "high" / f"{index}.png")
    write_image(pair.target, target)
    write_image(pair.source, target if index == 1 else 0.6 * target)
    pairs.append(pair)
  return pairs, [read_image(pair.source) for pair in pairs], [read_image(pair.target) for pair in pairs]


def test_scores_of_the_input_by_hand(three_pairs):
  pairs, sources, targets = three_pairs
  found = score_pairs(None, pairs)
  assert (found["pairs"], found["identical_pairs"], found["psnr"]) == (3, 1, np.inf)
  squares = [np.mean(np.square(np.float64(source) - target)) for source, target in zip(sources, targets)]
  assert found["psnr_distinct"] == pytest.approx(np.mean([-10 * np.log10(squares[index]) for index in (0, 2)]))
  for name, metric in (("ssim", ssim), ("ms_ssim_dped", lambda *images: ms_ssim(*images, variant="dped"))):
    each = metric(np.stack(targets), np.stack(sources))
    assert found[name] == pytest.approx(each.mean()) and each[1] == pytest.approx(1)
    assert found[f"{name}_distinct"] == pytest.approx(each[[0, 2]].mean()) and found[f"{name}_distinct"] < found[name]
  sheet = montage([source[2:98, 2:98] for source in sources])
  assert found["niqe"] == pytest.approx(niqe(sheet[None])[0])


def test_ms_ssim_alone_is_measured_on_unclipped_outputs(three_pairs):
  pairs, sources, targets = map(np.stack, three_pairs)
  found = score_pairs(overshoot, three_pairs[0])
  clipped, unclipped = overshoot(sources), overshoot(sources, clip=False)
  assert unclipped.max() > 1.1
  expected = {"psnr": psnr(targets, clipped), "ssim": ssim(targets, clipped),
              "ms_ssim_dped": ms_ssim(targets, unclipped, variant="dped")}
  for name, each in expected.items():
    assert found[name] == pytest.approx(each.mean())
    assert found[f"{name}_distinct"] == pytest.approx(each[[0, 2]].mean())
  assert found["niqe"] == pytest.approx(niqe(montage([image[2:98, 2:98] for image in clipped])[None])[0])
  others = (psnr(targets, unclipped).mean(), ms_ssim(targets, clipped, variant="dped").mean())
  assert abs(others[0] - found["psnr"]) > 1e-3 and abs(others[1] - found["ms_ssim_dped"]) > 1e-5  # the test can tell


def test_outputs_of_the_shown_pairs_are_kept_clipped(three_pairs, tmp_path):
  pairs, sources, _ = three_pairs
  score_pairs(overshoot, pairs, tmp_path / "images")
  assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["0.png", "1.png", "2.png"]
  np.testing.assert_allclose(read_image(tmp_path / "images" / "2.png"), overshoot(sources[2]), atol=0.5 / 255 + 1e-6)


def test_all_pairs_identical_leave_nothing_distinct(three_pairs):
  found = score_pairs(None, [three_pairs[0][1]])
  assert found["psnr"] == np.inf and found["psnr_distinct"] is None and found["identical_pairs"] == found["pairs"] == 1


def test_small_patches_have_no_niqe(tmp_path):
  for name in ("low", "high"):
    fill(tmp_path / name, 2, 40)
  pairs = [Pair(tmp_path / "low" / f"{index}.png", tmp_path / "high" / f"{index}.png") for index in range(2)]
  assert score_pairs(overshoot, pairs)["niqe"] is None


def test_a_pair_that_cannot_be_scored_is_named(three_pairs):
  pairs = three_pairs[0]
  pairs[2].source.write_bytes(b"no image")
  with pytest.raises(ValueError, match="low/2.png: not an image"):
    score_pairs(overshoot, pairs)
  write_image(pairs[2].source, recipes.random_images(90, 100, 3))
  with pytest.raises(ValueError, match="low/2.png .*high/2.png: source, output and target are 100x90, 100x90, 100x100"):
    score_pairs(overshoot, pairs)


@pytest.mark.slow
def test_public_checkpoints_land_on_their_published_values(data_folder):
  """PSNR and MS-SSIM of the challenge's 400 pairs, of which those at hand are a part, measured with its own recipe."""
  expected = {"srcnn": (21.33, 0.9040), "resnet_8_32": (22.40, 0.9166), "resnet_12_64": (22.19, 0.9214)}
  made = Bench(EnhancementOptions(data=data_folder), 7)
  if not (made.data / "patches").is_dir():
    pytest.skip(f"{made.data / 'patches'} does not exist")
  pairs = made.folder.training + made.folder.validation
  for name, (decibels, similarity) in expected.items():
    assert made.origin(name)[0] == "public checkpoint"
    found = score_pairs(made.network(name), pairs)
    assert found["psnr"] == pytest.approx(decibels, abs=0.15), name
    assert found["ms_ssim_dped"] == pytest.approx(similarity, abs=0.003), name
    assert 0 < found["identical_pairs"] < 5
    assert found["psnr_distinct"] != found["psnr"] and found["ssim"] < 0.8
