"""Images and networks of the tables of photo enhancement: where they come from, and how they are scored."""

import dataclasses
import pathlib

import numpy as np
import pytest
import recipes
import reproduce

from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.folders import read_folder
from tf_imgtrans.data.pairs import Pair
from tf_imgtrans.losses.vgg19 import VARIABLE
from tf_imgtrans.metrics import ms_ssim, niqe, psnr, ssim
from tf_imgtrans.metrics.scoring import montage
from tf_imgtrans.papers.mux_demux.config import TINY, Config
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.tables.enhancement import NETWORKS, Enhancement, EnhancementOptions, score_pairs

HELD_OUT = Enhancement.held_out


def fill(folder, count, size=16):
  return reproduce.fill(folder, count, size, size, name="")


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
  """Of a small preset of seven steps."""
  return Enhancement(EnhancementOptions(data=data, **{"out": tmp_path / "out", **options}), "table2", 7)


def config(data, tmp_path, name, changes=None, **options):
  """How a network is trained."""
  return bench(data, tmp_path, **options).training(name, **(changes or {})).config


def network(data, tmp_path, name, **options):
  """A network, ready: images -> outputs."""
  made = bench(data, tmp_path, **options)
  return made.network(made.training(name), made.options.seed)


def details(data, tmp_path, name, public=False, **options):
  """What the row of a network depends on."""
  made = bench(data, tmp_path, **options)
  return made.row(name, name, None, made.training(name, public)).details


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
  with pytest.raises(ValueError, match="one holds too few images to hold some out: give more"):
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
  assert bench(data, tmp_path).origin("srcnn") == ("trained", None) and bench(data, tmp_path).checkpoint("srcnn") is None
  beside, within, given = data.parent / "weights" / "deep" / "er", data / "weights", tmp_path / "given"
  touch(beside, "dped_srcnn.index")
  assert bench(data, tmp_path).checkpoint("srcnn") == beside / "dped_srcnn.index"
  monkeypatch.chdir(data)
  assert bench(pathlib.Path("."), tmp_path).checkpoint("srcnn") == beside / "dped_srcnn.index"
  touch(within, "dped_srcnn.index")
  assert bench(data, tmp_path).checkpoint("srcnn") == within / "dped_srcnn.index"
  touch(given, "dped_srcnn.index")
  assert bench(data, tmp_path, weights=given).checkpoint("srcnn") == given / "dped_srcnn.index"


def test_which_checkpoint_is_which_network(data, tmp_path):
  weights = data / "weights"
  touch(weights, "iphone_orig.index", "sony_orig.index", "dped_resnet_8_32.index")

  def stems(**options):
    made = bench(data, tmp_path, **options)
    return {name: made.checkpoint(name).stem for name in NETWORKS if made.checkpoint(name)}

  assert stems() == {"dped": "iphone_orig", "resnet_12_64": "iphone_orig", "resnet_8_32": "dped_resnet_8_32"}
  assert stems(phone="sony")["dped"] == "sony_orig"
  touch(weights, "dped_resnet_12_64.index", "johnson.index", "mux_demux.index")  # the challenge's own; none of the others
  assert stems() == {"dped": "iphone_orig", "resnet_12_64": "dped_resnet_12_64", "resnet_8_32": "dped_resnet_8_32"}


def test_a_given_model_goes_before_training_and_a_checkpoint_has_a_row_of_its_own(data, tmp_path):
  touch(data / "weights", "dped_srcnn.index")
  (tmp_path / "my=model.keras").touch()
  made = bench(data, tmp_path, models=(f"srcnn={tmp_path}/my=model.keras",))
  assert made.origin("srcnn") == ("given", f"{tmp_path}/my=model.keras")
  assert bench(data, tmp_path).origin("srcnn")[0] == "trained"
  given = details(data, tmp_path, "srcnn", models=made.options.models)
  public, trained = details(data, tmp_path, "srcnn", True), details(data, tmp_path, "dped")
  assert (given["network"], given["file"]) == ("given", "my=model.keras")
  assert (public["network"], public["file"]) == ("public checkpoint", "dped_srcnn.index")
  assert trained == {"config": dataclasses.asdict(config(data, tmp_path, "dped"))}
  assert trained["config"]["vgg_weights"] == ""  # a weights file may move


def test_details_tell_models_apart_by_their_content(data, tmp_path):
  def digest(path):
    return details(data, tmp_path, "srcnn", models=(f"srcnn={path}",))["digest"]

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
  public = details(data, tmp_path, "srcnn", True)["digest"]
  (data / "weights" / "dped_srcnn.data-00000-of-00001").write_bytes(b"other weights")
  assert details(data, tmp_path, "srcnn", True)["digest"] != public


@pytest.mark.parametrize(("models", "error", "message"), [
    (("srcnn",), ValueError, "--models 'srcnn': expected NAME=MODEL, such as mux_demux=runs/mine"),
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
  ours = {"mux_demux": Config(), "mux_demux_hp": Config(network="high_performance")}
  paper = ours[name] if name in ours else find_recipe(name).presets["paper"]
  assert config(data, tmp_path, name, preset="paper") == paper
  assert config(data, tmp_path, name, {"seed": 3}, preset="paper") == dataclasses.replace(paper, seed=3)
  assert config(data, tmp_path, name, preset="paper", steps=9) == dataclasses.replace(paper, iterations=9)


SUMS = {"weight_adversarial": 6.25, "weight_color": 1.220703125}  # 50 / 8 times 1, and (100 / 64)^2 times 0.5
DEEP = {"perceptual_layer": "block3_conv1", "weight_perceptual": 0.001}


@pytest.mark.parametrize("preset", ["small", "mini"])
@pytest.mark.parametrize(("name", "deep"), [
    ("mux_demux", True), ("mux_demux_hp", True), ("dped", True), ("resnet_8_32", True), ("resnet_12_64", True),
    ("srcnn", False), ("johnson", False)])
def test_the_small_preset_changes_what_two_cores_need(name, deep, preset, data, tmp_path):
  contextual = {"contextual_layers": ("block3_conv1",)} if name.startswith("mux_demux") else {}
  expected = dataclasses.replace(NETWORKS[name], patch_size=64, batch_size=8, flip=True, iterations=7,
                                 **(DEEP | contextual | SUMS if deep else {}))
  assert config(data, tmp_path, name, preset=preset) == config(data, tmp_path, name) == expected
  assert config(data, tmp_path, name, steps=11).iterations == 11
  changes = {"weight_perceptual": 0.0, "weight_l1": 3.0} if contextual else {"learning_rate": 3.0}
  assert config(data, tmp_path, name, changes) == dataclasses.replace(expected, **changes)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_tiny_preset_takes_a_handful_of_small_steps(name, data, tmp_path):
  found = config(data, tmp_path, name, preset="tiny")
  assert (found.iterations, found.batch_size, found.patch_size) == (4, 2, 32)
  assert found == TINY or name != "mux_demux"
  assert getattr(found, "network", None) == getattr(NETWORKS[name], "network", None)


@pytest.fixture
def trainings(monkeypatch):
  """Puts a training in the place of the real one that writes a fresh SRCNN at once; the list of its calls."""
  from tf_imgtrans.recipes import create_generator

  return reproduce.stub_training(monkeypatch, lambda training: read_folder(
      training.options.data, training.options.validation_share, training.options.phone).without_held_out(
          training.options.tuning_share).summary(),
      lambda training: create_generator("srcnn", seed=training.config.seed))


def test_a_trained_network_is_trained_once(data, tmp_path, trainings):
  image = recipes.smooth_images(1, 16, 16, 3)
  first = network(data, tmp_path, "srcnn", seed=3)(image)
  (recipe, _, trained, options), = trainings
  assert (recipe, trained) == ("srcnn", config(data, tmp_path, "srcnn", {"seed": 3}))
  assert (options.out, options.data, options.resume) == (tmp_path / "out" / "runs" / "srcnn-seed3", data, False)
  assert options.validation_share == HELD_OUT
  recipes.assert_same(network(data, tmp_path, "srcnn", seed=3)(image), first)
  assert len(trainings) == 1
  network(data, tmp_path, "srcnn", seed=4)
  network(data, tmp_path, "mux_demux_hp")
  assert [training.recipe for training in trainings] == ["srcnn", "srcnn", "mux_demux"]


def test_a_stopped_run_goes_on_and_a_longer_one_too(data, tmp_path, trainings):
  network(data, tmp_path, "srcnn")
  (tmp_path / "out" / "runs" / "srcnn-seed0" / "generator.keras").unlink()
  network(data, tmp_path, "srcnn")
  network(data, tmp_path, "srcnn", steps=20)
  assert [(training.options.resume, training.config.iterations) for training in trainings] == [
      (False, 7), (True, 7), (True, 20)]


def test_vgg19_is_taken_from_the_weights_unless_the_environment_names_one(data, tmp_path, trainings, monkeypatch):
  for seed, (file, variable) in enumerate([(None, ""), ("other.npz", ""), ("vgg19_notop.h5", ""), ("vgg19_blocks.npz", ""),
                                           ("vgg19_blocks.npz", "mine.npz")]):
    touch(data.parent / "weights", *([file] if file else []))
    monkeypatch.setenv(VARIABLE, variable)
    network(data, tmp_path, "johnson", seed=seed)
  weights = data.parent / "weights"
  assert [training.config.vgg_weights for training in trainings] == [
      "", "", str(weights / "vgg19_notop.h5"), str(weights / "vgg19_blocks.npz"), ""]


def test_weights_of_vgg19_may_move(data, tmp_path, trainings):
  touch(data / "weights", "vgg19.npz")
  network(data, tmp_path, "johnson")
  assert trainings[0].config.vgg_weights == str(data / "weights" / "vgg19.npz")
  (data / "weights" / "vgg19.npz").unlink()
  network(data, tmp_path, "johnson")
  assert len(trainings) == 1


def test_a_run_of_something_else_is_refused(data, tmp_path, trainings):
  network(data, tmp_path, "srcnn")
  run = tmp_path / "out" / "runs" / "srcnn-seed0"
  with pytest.raises(ValueError, match=f"{run} was trained with patch_size 64, and now it is 100: choose another --out, or "
                                       "remove that folder"):
    network(data, tmp_path, "srcnn", preset="paper", steps=7)
  for name in ("phone", "canon"):
    fill(tmp_path / "others" / name, 9)
  with pytest.raises(ValueError, match=f"{run} was trained on other images than those of .*others: choose another --out"):
    network(tmp_path / "others", tmp_path, "srcnn")
  assert len(trainings) == 1


def test_photographs_are_measured_with_networks_that_pairs_have_trained(data, tmp_path, trainings):
  network(data, tmp_path, "srcnn")
  fill(tmp_path / "photographs", 2)
  network(tmp_path / "photographs", tmp_path, "srcnn")
  assert len(trainings) == 1
  with pytest.raises(ValueError, match="photographs holds photographs without targets: what is trained"):
    network(tmp_path / "photographs", tmp_path, "dped")
  assert len(trainings) == 1


def test_a_model_takes_images_of_all_sizes_and_is_run_unclipped_where_it_can_be(data, tmp_path):
  import keras

  from tf_imgtrans.recipes import create_generator

  model = create_generator("srcnn")
  model.bias.assign(np.full(model.bias.shape, 9.0))  # 0.58 tanh + 0.5 is 1.08 everywhere
  model.save(tmp_path / "bright.keras")
  keras.Sequential([keras.Input((None, None, 3)), keras.layers.Rescaling(2.0)]).save(tmp_path / "plain.keras")
  models = (f"srcnn={tmp_path}/bright.keras", f"dped={tmp_path}/plain.keras")
  bright, plain = (network(data, tmp_path, name, models=models) for name in ("srcnn", "dped"))
  for size in ((16, 24), (40, 31)):
    image = recipes.random_images(1, *size, 3)
    assert bright(image).shape == image.shape and np.all(bright(image) == 1)
    np.testing.assert_allclose(bright(image, clip=False), 1.08, atol=1e-6)
    recipes.assert_same(plain(image, clip=False), 2 * image)  # knows no clipping


# Scores.

def overshoot(item):
  """Brightens beyond white; as networks whose last layer leaves [0, 1]."""
  return np.float32(1.3) * item.source


def unchanged(item):
  return item.source


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
  found = score_pairs(pairs, unchanged)
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
  found = score_pairs(three_pairs[0], overshoot)
  unclipped = np.float32(1.3) * sources
  clipped = unclipped.clip(0, 1)
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
  score_pairs(pairs, overshoot, tmp_path / "images")
  assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["0.png", "1.png", "2.png"]
  kept = read_image(tmp_path / "images" / "2.png")
  np.testing.assert_allclose(kept, (np.float32(1.3) * sources[2]).clip(0, 1), atol=0.5 / 255 + 1e-6)


def test_all_pairs_identical_leave_nothing_distinct(three_pairs):
  found = score_pairs([three_pairs[0][1]], unchanged)
  assert found["psnr"] == np.inf and found["psnr_distinct"] is None and found["identical_pairs"] == found["pairs"] == 1


def test_small_patches_have_no_niqe(tmp_path):
  for name in ("low", "high"):
    fill(tmp_path / name, 2, 40)
  pairs = [Pair(tmp_path / "low" / f"{index}.png", tmp_path / "high" / f"{index}.png") for index in range(2)]
  assert score_pairs(pairs, overshoot)["niqe"] is None


def test_a_pair_that_cannot_be_scored_is_named(three_pairs):
  pairs = three_pairs[0]
  pairs[2].source.write_bytes(b"no image")
  with pytest.raises(ValueError, match="low/2.png: not an image"):
    score_pairs(pairs, overshoot)
  write_image(pairs[2].source, recipes.random_images(90, 100, 3))
  with pytest.raises(ValueError, match="low/2.png .*high/2.png: source, output and target are 100x90, 100x90, 100x100"):
    score_pairs(pairs, overshoot)


@pytest.mark.slow
def test_public_checkpoints_land_on_their_published_values(data_folder):
  """PSNR and MS-SSIM of the challenge's 400 pairs, of which those at hand are a part, measured with its own recipe."""
  expected = {"srcnn": (21.33, 0.9040), "resnet_8_32": (22.40, 0.9166)}  # resnet_12_64 has 22.19 and 0.9214, in minutes
  made = Enhancement(EnhancementOptions(data=data_folder), "table2", 7)
  if not (made.options.data / "patches").is_dir():
    pytest.skip(f"{made.options.data / 'patches'} does not exist")
  pairs = made.folder.training + made.folder.validation
  for name, (decibels, similarity) in expected.items():
    assert made.checkpoint(name)
    found = score_pairs(pairs, made.method(name, 0, public=True, clip=False))
    assert found["psnr"] == pytest.approx(decibels, abs=0.15), name
    assert found["ms_ssim_dped"] == pytest.approx(similarity, abs=0.003), name
    assert 0 < found["identical_pairs"] < 5
    assert found["psnr_distinct"] != found["psnr"] and found["ssim"] < 0.8
