"""`tf-imgtrans reproduce mux_demux`: the tables from end to end, on a dozen small pairs."""

import json
import shutil

import keras
import numpy as np
import pytest
import recipes
import reproduce
from reproduce import contents, report, rescaling, rows, seeds_of_claims, text, verdicts

from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.data.folders import read_folder
from tf_imgtrans.losses.vgg19 import VARIABLE
from tf_imgtrans.metrics import ms_ssim, niqe, psnr
from tf_imgtrans.metrics.challenge_score import pirm_score, pirm_validation_score
from tf_imgtrans.practice.phone_enhancement.tone_curve import fit_tone_curve
from tf_imgtrans.recipes import create_generator
from tf_imgtrans.tables import enhancement, mux_demux
from tf_imgtrans.tables.enhancement import Enhancement
from tf_imgtrans.tables.published import mux_demux as published

TRAINED = ("srcnn", "johnson", "resnet_12_64", "resnet_8_32", "dped", "mux_demux", "mux_demux_hp")
HELD_OUT, TUNING = Enhancement.held_out, Enhancement.tuning
SMALL = {"patch_size": 32, "batch_size": 2, "flip": True}


def call(table, *flags):
  """Exit status of `reproduce mux_demux`; Tables 2 and 3 with one seed, unless the flags say how many."""
  one = ("--seeds", 1) if table in ("table2", "table3") and "--seeds" not in flags else ()
  return reproduce.call("mux_demux", table, *flags, *one)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  """The challenge's layout: twelve pairs of 100x100 cut from a photograph, two photographs, and random weights of VGG19."""
  folder, whole = tmp_path_factory.mktemp("data"), read_image(held_out_photograph())
  for index in range(12):
    top, left = 200 + 100 * (index // 4), 250 + 100 * (index % 4)
    write_image(folder / "patches" / "canon" / f"{index}.png", whole[top:top + 100, left:left + 100])
    write_image(folder / "patches" / "iphone" / f"{index}.png", 0.6 * whole[top:top + 100, left:left + 100])
  for index in range(2):
    write_image(folder / "HD_res" / f"{index}.png", whole[100 + 200 * index:300 + 200 * index, 300:500])
  reproduce.write_vgg(folder / "weights" / "vgg19.npz")
  return folder


@pytest.fixture(autouse=True)
def small(monkeypatch):
  """Smaller patches and batches than the small preset's, and no weights from the environment."""
  monkeypatch.delenv(VARIABLE, raising=False)
  monkeypatch.setattr(enhancement, "SMALL", SMALL)


@pytest.fixture
def untrained(monkeypatch):
  """Every training ends at once, with a fresh SRCNN; the list of the calls."""
  return reproduce.stub_training(monkeypatch, lambda training: read_folder(
      training.options.data, training.options.validation_share, training.options.phone).without_held_out(
          training.options.tuning_share).summary(),
      lambda training: create_generator("srcnn", seed=training.config.seed))


def held_out(data):
  """Names and arrays [N, 100, 100, 3] of the pairs that no training sees: (stems, sources, targets)."""
  pairs = read_folder(data, HELD_OUT).validation
  return [[pair.stem for pair in pairs], *(np.stack([read_image(getattr(pair, side)) for pair in pairs])
                                           for side in ("source", "target"))]


@pytest.fixture
def few_rows(monkeypatch):
  """Tables 2 and 3 with two networks only."""
  monkeypatch.setattr(mux_demux, "ORDER", ("input", "ape", "srcnn", "mux_demux_hp"))


# Table 2.

def test_table2_measures_what_it_says(data, tmp_path, untrained, capsys):
  out = tmp_path / "out"
  assert call("table2", "--data", data, "--out", out, "--steps", 2) == 0
  found = rows(out, "table2")
  assert list(found) == list(mux_demux.ORDER)
  assert [run for _, run, *_ in untrained] == [f"{name}-seed0" for name in TRAINED]
  assert {training.config.iterations for training in untrained} == {2}
  stems, sources, targets = held_out(data)
  for name in ("srcnn", "mux_demux"):
    network = keras.saving.load_model(out / "runs" / f"{name}-seed0" / "generator.keras")
    ours = found[name]["ours"]
    assert ours["psnr"]["mean"] == pytest.approx(psnr(targets, network(sources).numpy()).mean(), abs=1e-4)
    unclipped = network(sources, clip=False).numpy()
    assert ours["ms_ssim_dped"]["mean"] == pytest.approx(ms_ssim(targets, unclipped, variant="dped").mean(), abs=1e-5)
    assert found[name]["difference"]["psnr"] == pytest.approx(ours["psnr"]["mean"] - published.TABLE2[name]["psnr"])
  assert found["input"]["ours"]["psnr"]["mean"] == pytest.approx(psnr(targets, sources).mean())
  assert found["ape"]["quoted_only"] and found["ape"]["ours"]["psnr"]["mean"] is None
  comparable = [name for name in found if found[name]["comparable"]]
  assert not comparable  # of the small preset
  assert {row["group"] for row in found.values()} == {f"{len(stems)} pairs, held out"}
  pairs = read_folder(data, HELD_OUT).without_held_out(TUNING).training
  curve = fit_tone_curve((read_image(pair.source), read_image(pair.target)) for pair in pairs)
  assert found["tone_curve"]["ours"]["psnr"]["mean"] == pytest.approx(psnr(targets, curve(sources)).mean())
  figure = read_image(out / "table2" / "figure6.png")
  assert figure.shape[1] > 8 * 192  # seven rows and the target
  notes = text(capsys.readouterr())
  assert "trained by the small preset, 2 steps: SRCNN; Johnson; ResNet-12-64; ResNet-8-32; DPED; ours, normal" in notes
  assert f"wrote {out / 'table2' / 'table.json'}" in notes and (out / "table2" / "table.md").is_file()

  before = (out / "table2" / "table.json").read_bytes()
  assert call("table2", "--data", data, "--out", out, "--steps", 2) == 0  # all rows are kept
  assert len(untrained) == len(TRAINED) and "9 of 9 measurements are kept" in capsys.readouterr().out
  assert (out / "table2" / "table.json").read_bytes() == before


def test_tables_2_and_3_with_several_seeds(data, tmp_path, untrained, few_rows, monkeypatch):
  assert call("table2", "--data", data, "--out", tmp_path, "--steps", 2, "--seeds", 3) == 0
  assert [run for _, run, *_ in untrained] == [
      f"{name}-seed{seed}" for name in ("srcnn", "mux_demux_hp") for seed in range(3)]
  found = rows(tmp_path, "table2")
  assert len(found["srcnn"]["ours"]["psnr"]["values"]) == 3 and len(found["input"]["ours"]["psnr"]["values"]) == 1
  assert seeds_of_claims(tmp_path, "table2") == {3}  # of the rivals that are measured here
  assert verdicts(tmp_path, "table2") == ["not measured"] * 2
  assert call("table3", "--data", data, "--out", tmp_path, "--steps", 2, "--seeds", 3) == 0 and len(untrained) == 6
  assert len(rows(tmp_path, "table3")["srcnn"]["ours"]["niqe"]["values"]) == 3 and len(verdicts(tmp_path, "table3")) == 2


def test_a_public_checkpoint_is_measured_on_all_pairs_too(data, tmp_path, untrained, few_rows, monkeypatch):
  weights = tmp_path / "weights"
  weights.mkdir()
  (weights / "dped_srcnn.index").touch()
  monkeypatch.setattr("tf_imgtrans.baselines.public_checkpoints.import_checkpoint",
                      lambda name, path: create_generator(name))
  assert call("table2", "--data", data, "--out", tmp_path / "out", "--weights", weights, "--steps", 2) == 0
  found = rows(tmp_path / "out", "table2")
  assert [name for name in found if name.endswith("-public")] == ["input-public", "srcnn-public"]
  assert found["srcnn"]["measurements"][0]["pairs"] < found["srcnn-public"]["measurements"][0]["pairs"] == 12
  assert found["srcnn-public"]["group"] == "public checkpoints, 12 pairs, all"
  assert [run for _, run, *_ in untrained] == ["srcnn-seed0", "mux_demux_hp-seed0"]  # trained alike
  kept = {path.name for path in (tmp_path / "out" / "table2" / "images" / "srcnn").iterdir()}
  assert kept == {f"{stem}.png" for stem in held_out(data)[0]}  # of the figure's pairs, which are held out


def test_the_rows_of_dped_are_measured_on_its_test_part_alone(data, model, tmp_path, untrained, few_rows, timed):
  for part, start in (("training_data", 0), ("test_data/patches", 9)):
    for name in ("iphone", "canon"):
      (tmp_path / "dped" / "iphone" / part / name).mkdir(parents=True)
      for index in range(start, start + 3):
        shutil.copy(data / "patches" / name / f"{index}.png", tmp_path / "dped" / "iphone" / part / name)
  out = tmp_path / "out"
  assert call("table2", "--data", tmp_path, "--out", out, "--steps", 2, "--weights", data / "weights") == 0
  assert {row["group"] for row in rows(out, "table2").values()} == {"3 pairs, held out"}
  assert sorted(path.name for path in (out / "table2" / "images" / "input").iterdir()) == ["10.png", "11.png", "9.png"]
  assert call("score", "--model", model, "--data", tmp_path, "--out", out) == 0
  assert rows(out, "score")["model_tiny.keras"]["measurements"][0]["pairs"] == 3


def test_an_unreadable_image_among_the_pairs_is_named(data, tmp_path, untrained, few_rows, capsys):
  folder = shutil.copytree(data, tmp_path / "data")
  image = folder / "patches" / "iphone" / f"{held_out(data)[0][0]}.png"
  image.write_bytes(b"no image")
  assert call("table2", "--data", folder, "--out", tmp_path / "out", "--steps", 2) == 1
  failures = {row["failure"] for row in report(tmp_path / "out", "table2")["rows"] if row["row"] != "ape"}
  assert failures == {f"{image}: not an image (known kinds: PNG, JPEG, WEBP, TIFF, BMP, GIF)"}
  assert "Traceback" not in capsys.readouterr().err


def test_other_conditions_are_refused_and_nothing_is_lost(data, tmp_path, untrained, few_rows, capsys):
  out = tmp_path / "out"
  model = tmp_path / "m.keras"
  create_generator("srcnn", seed=5).save(model)
  assert call("table2", "--data", data, "--out", out, "--steps", 2) == 0
  before = contents(out)
  for flags, message in [(["--steps", 3], "config.iterations 2, and now it is 3"),
                         (["--preset", "paper"], "preset 'small'"),
                         (["--steps", 2, "--models", f"srcnn={model}"], "network None, and now it is 'given'")]:
    capsys.readouterr()
    assert call("table2", "--data", data, "--out", out, *flags) == 2
    shown = text(capsys.readouterr())
    assert message in shown and "choose another --out, or remove that file" in shown
  assert contents(out) == before


@pytest.mark.slow
def test_table2_trains_its_rows(data, tmp_path, capsys, monkeypatch):
  """Of each kind of network one, two steps each."""
  names, out = ("srcnn", "johnson", "dped", "mux_demux_hp"), tmp_path / "out"
  monkeypatch.setattr(mux_demux, "ORDER", ("input", "ape", *names))
  assert call("table2", "--data", data, "--out", out, "--steps", 2) == 0
  found = rows(out, "table2")
  assert all(found[name]["ours"]["psnr"]["mean"] > 0 and not found[name]["failure"] for name in names)
  for name in names:
    run = json.loads((out / "runs" / f"{name}-seed0" / "run.json").read_text())
    assert run["config"]["iterations"] == 2
    assert run["data"] == read_folder(data, HELD_OUT).without_held_out(TUNING).summary()
    assert ("vgg19" in run["provenance"]) == (name != "srcnn")
    elsewhere = {"vgg_weights": ""} if "vgg_weights" in run["config"] else {}  # the file may move
    assert found[name]["details"]["config"] == run["config"] | elsewhere
  monkeypatch.setattr("tf_imgtrans.tables.runs.train", None)  # nothing is trained in a second call
  before = (out / "table2" / "table.json").read_bytes()
  assert call("table2", "--data", data, "--out", out, "--steps", 2) == 0
  assert (out / "table2" / "table.json").read_bytes() == before
  (out / "table2" / "rows" / "johnson-seed0.json").unlink()  # only measured again, not trained
  assert call("table2", "--data", data, "--out", out, "--steps", 2) == 0
  assert rows(out, "table2")["johnson"]["ours"] == found["johnson"]["ours"]
  assert call("table3", "--data", data, "--out", out, "--steps", 2) == 0  # of the same networks
  photographs = rows(out, "table3")
  assert list(photographs) == ["input", *names] and not any(row["failure"] for row in photographs.values())
  assert photographs["johnson"]["published"] == {}


# Table 3.

def test_table3_measures_full_photographs(data, tmp_path, untrained, few_rows, capsys):
  out = tmp_path / "out"
  assert call("table3", "--data", data, "--out", out, "--steps", 2) == 0
  found = rows(out, "table3")
  assert list(found) == ["input", "srcnn", "mux_demux_hp"]
  photographs = [read_image(data / "HD_res" / f"{index}.png") for index in range(2)]
  assert found["input"]["ours"]["niqe"]["mean"] == pytest.approx(np.mean([niqe(p[None])[0] for p in photographs]))
  network = keras.saving.load_model(out / "runs" / "srcnn-seed0" / "generator.keras")
  each = {f"{index}.png": niqe(network(p[None]).numpy())[0] for index, p in enumerate(photographs)}
  kept = json.loads((out / "table3" / "rows" / "srcnn-seed0.json").read_text())
  assert kept["each"]["niqe"] == pytest.approx(each, rel=1e-3)
  assert found["srcnn"]["ours"]["niqe"]["mean"] == pytest.approx(np.mean(list(each.values())), rel=1e-3)
  assert not any(row["comparable"] for row in found.values()) and found["srcnn"]["caveat"]
  assert "Table 3: NIQE on 2 full photographs" in capsys.readouterr().out


def test_table3_on_photographs_alone_measures_what_needs_no_training(data, tmp_path, capsys):
  model = tmp_path / "m.keras"
  create_generator("mux_demux_hp", growth_half=4, growth_quarter=4).save(model)
  assert call("table3", "--data", data / "HD_res", "--out", tmp_path / "out", "--models", f"mux_demux_hp={model}") == 1
  found = rows(tmp_path / "out", "table3")
  assert [name for name in found if not found[name]["failure"]] == ["input", "mux_demux_hp"]
  assert "holds photographs without targets: what is trained" in found["srcnn"]["failure"]
  assert not (tmp_path / "out" / "runs").exists()
  assert "given, perhaps trained on some of these images: ours, high-performance (m.keras)" in capsys.readouterr().out


def test_a_photograph_too_small_for_niqe_is_named(tmp_path, untrained):
  folder = tmp_path / "photographs"
  write_image(folder / "large.png", recipes.smooth_images(200, 200, 3, 1)[..., 0])
  write_image(folder / "small.png", recipes.random_images(100, 100, 3))
  assert call("table3", "--data", folder, "--out", tmp_path / "out") == 1
  assert f"{folder / 'small.png'} is 100x100: NIQE needs two blocks of 96x96" in rows(tmp_path / "out", "table3")["input"][
      "failure"]


# Table 4.

def test_table4_times_networks_in_turn(tmp_path, capsys):
  out = tmp_path / "out"
  assert call("table4", "--out", out, "--rounds", 2, "--height", 24, "--width", 32) == 0
  found, whole = rows(out, "table4"), report(out, "table4")
  assert list(found) == list(published.TABLE4) and whole["protocol"]["size"] == "32x24"
  ratios = {name: row["ours"]["ratio"]["mean"] for name, row in found.items()}
  assert ratios["srcnn"] == 1 and all(ratio > 0 for ratio in ratios.values())
  for name, row in found.items():
    record, = row["measurements"]
    assert len(record["round_seconds"]) == 2 and record["cores"] > 0
    per_round = np.array(record["round_seconds"]) / found["srcnn"]["measurements"][0]["round_seconds"]
    assert ratios[name] == pytest.approx(np.median(per_round))
    assert row["ours"]["ms"]["mean"] == pytest.approx(1000 * np.median(record["round_seconds"]))
    assert row["ours"]["low"]["mean"] <= ratios[name] <= row["ours"]["high"]["mean"]
    assert row["published"]["ratio"] == pytest.approx(published.TABLE4[name] / 2044)
  assert found["srcnn"]["ours"]["gmac"]["mean"] == pytest.approx(69152 * 24 * 32 / 1e9)
  note, = whole["notes"]
  far = [name for name in found if abs(ratios[name] / found[name]["published"]["ratio"] - 1) > 0.25]
  assert all(published.TITLES[name] in note for name in far) and ("All that were measured" in note) == (not far)
  before = (out / "table4" / "table.json").read_bytes()
  assert call("table4", "--out", out, "--rounds", 2, "--height", 24, "--width", 32) == 0
  assert (out / "table4" / "table.json").read_bytes() == before  # not timed again
  capsys.readouterr()
  assert call("table4", "--out", out, "--rounds", 4, "--height", 24, "--width", 32) == 2
  assert "was measured with rounds 2, and now it is 4" in text(capsys.readouterr())


def test_table4_of_a_timing_that_fails(tmp_path, monkeypatch, capsys):
  def fail(*_):
    raise MemoryError

  monkeypatch.setattr("tf_imgtrans.tables.speed.take_turns", fail)
  monkeypatch.setattr("tf_imgtrans.recipes.create_generator", str)
  assert call("table4", "--out", tmp_path, "--rounds", 2, "--height", 24, "--width", 32) == 1
  assert {row["failure"] for row in rows(tmp_path, "table4").values()} == {"MemoryError"}
  assert not list((tmp_path / "table4" / "rows").iterdir())


# Table 5.

def test_table5_trains_every_condition_with_every_seed(data, tmp_path, untrained, capsys):
  out = tmp_path / "out"
  assert call("table5", "--data", data, "--out", out, "--steps", 2, "--seeds", 2, "--seed", 3) == 0
  assert [run for _, run, *_ in untrained] == [f"table5-{name}-seed{seed}" for name in published.TABLE5 for seed in (3, 4)]
  full = {training.config.seed: training.config for training in untrained if training.run.startswith("table5-full-")}
  for _, name, config, _ in untrained:
    condition, seed = name.removeprefix("table5-").split("-seed")
    changed = {key for key, value in vars(config).items() if value != vars(full[int(seed)])[key]}
    removed = {"full": set(), "no_noise": {"noise"}}.get(condition, {f"weight_{condition[3:]}"})
    assert changed == removed and config.seed == int(seed)
    assert all(vars(config)[key] in (0, "off") for key in removed)
  found, whole = rows(out, "table5"), report(out, "table5")
  assert list(found) == ["input", "tone_curve", *published.TABLE5]
  for column in ("psnr", "ms_ssim_dped", "ssim", "niqe"):
    assert all(len(found[name]["ours"][column]["values"]) == 2 for name in published.TABLE5), column
  assert verdicts(out, "table5") == ["undecided"] * 9 and seeds_of_claims(out, "table5") == {2}  # of three that it takes
  each = json.loads((out / "table5" / "rows" / "full-seed3.json").read_text())["each"]
  assert np.mean(list(each["psnr"].values())) == pytest.approx(found["full"]["ours"]["psnr"]["values"][0])
  assert len(each["psnr"]) == found["full"]["measurements"][0]["pairs"] and "each" not in found["full"]["measurements"][0]
  assert f"{whole['statements'][0]['verdict']}: the highest PSNR with full losses" in capsys.readouterr().out
  assert read_image(out / "table5" / "figure7.png").shape[1] > 8 * 192
  assert {path.name for path in (out / "table5" / "images").iterdir()} == set(published.TABLE5)


def test_table5_goes_on_where_a_seed_failed(data, tmp_path, untrained, monkeypatch, capsys):
  out, measure = tmp_path / "out", mux_demux.score_pairs
  monkeypatch.setattr(published, "TABLE5", {name: published.TABLE5[name] for name in ("no_l1", "no_color", "full")})

  def fail(pairs, method, folder=None):
    if folder and folder.name in ("no_l1", "full"):
      raise ArithmeticError("loss term total is nan at step 1")
    return measure(pairs, method, folder)

  monkeypatch.setattr(mux_demux, "score_pairs", fail)
  assert call("table5", "--data", data, "--out", out, "--steps", 2, "--seeds", 2) == 1
  found = rows(out, "table5")
  assert [name for name in found if found[name]["failure"]] == ["no_l1", "full"]
  assert found["full"]["failure"] == "seed 0: loss term total is nan at step 1"
  assert seeds_of_claims(out, "table5") == {1}  # the other seed is whole
  assert (out / "table5" / "figure7.png").is_file()  # of the conditions that have images
  monkeypatch.setattr(mux_demux, "score_pairs", measure)
  capsys.readouterr()
  assert call("table5", "--data", data, "--out", out, "--steps", 2, "--seeds", 2) == 0
  assert "6 of 8 measurements are kept" in capsys.readouterr().out and len(untrained) == 6


@pytest.mark.slow
def test_table5_trains(data, tmp_path, monkeypatch):
  """Two of the conditions; what the others change is tested without a training."""
  conditions = {name: published.TABLE5[name] for name in ("no_l1", "full")}
  monkeypatch.setattr(published, "TABLE5", conditions)
  assert call("table5", "--data", data, "--out", tmp_path, "--steps", 1, "--seeds", 1) == 0
  found = rows(tmp_path, "table5")
  means = [found[name]["ours"]["psnr"]["mean"] for name in conditions]
  assert len(set(means)) == len(means)  # each change has moved the weights
  assert all(row["ours"]["psnr"]["spread"] is None for row in found.values())
  full = found["full"]
  assert full["ours"]["images_seen"]["mean"] == 2 and full["ours"]["parameters"]["mean"] > 1000
  assert full["ours"]["minutes"]["mean"] > 0 and found["input"]["ours"]["minutes"]["mean"] is None
  alive = full["measurements"][0]["liveness"]
  assert set(alive["gradient"]) == {"l1", "color", "total_variation", "adversarial", "perceptual", "contextual"}
  assert sum(alive["gradient"].values()) == pytest.approx(1) and len(alive["scores"]) == 2
  assert "l1" not in found["no_l1"]["measurements"][0]["liveness"]["loss"]


# Scores of the challenge.

def test_score_of_the_teams(tmp_path, capsys):
  assert call("score", "--out", tmp_path) == 0
  found = rows(tmp_path, "score")
  assert list(found) == list(published.FIGURE8)
  assert [name for name in found if not found[name]["comparable"]] == list(published.FIGURE8_MISPRINTS)
  for team, row in found.items():
    differences = [abs(row["difference"][name]) for name in "ABC"]
    assert row["comparable"] == (max(differences) < 0.05)
    of_team = published.FIGURE8[team]
    assert row["ours"]["A"]["mean"] == pytest.approx(pirm_score(of_team["psnr"], of_team["mos"], of_team["cpu_ms"])["A"])
    for name in ("ms_ssim", "gpu_ms", "razer_phone_ms", "huawei_p20_ms", "ram_gb"):
      assert row["ours"][name]["mean"] == of_team[name]
  assert [found["BOE-SBG"]["published"][f"place_{name}"] for name in ("mos", *"ABC")] == [3, 5, 4, 5]
  assert found["BOE-SBG"]["ours"]["place_mos"]["mean"] == 3
  printed = text(capsys.readouterr())
  assert "Largest difference of the nine rows that are not misprinted: 0.04" in printed
  assert "the paper's text gives its team, BOE-SBG, the places 3 by MOS, 4 by A, 4 by B and 5 by C" in printed
  assert "the figure's scores give 3, 5, 4 and 5" in printed


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  path = tmp_path_factory.mktemp("model") / "tiny.keras"
  create_generator("mux_demux_hp", growth_half=4, growth_quarter=4).save(path)
  return path


@pytest.fixture
def timed(monkeypatch):
  """The model takes half as long as SRCNN, round by round."""
  def take_turns(networks, base, rounds, height, width):
    assert (list(networks), base, height, width) == (["model", "srcnn"], "srcnn", 720, 1280)
    return {"model": {"ms": 50.0, "ratio": 0.5}, "srcnn": {"ms": 170.0, "ratio": 1.0}}  # 170: one slow moment

  monkeypatch.setattr("tf_imgtrans.tables.speed.take_turns", take_turns)


@pytest.mark.parametrize("mos", [None, 2.5, "estimated"])
def test_score_of_a_model(mos, data, model, tmp_path, timed, capsys):
  flags = ["--niqe_mos", -0.01, 3.0] if mos == "estimated" else ["--mos", mos] if mos else []
  assert call("score", "--model", model, "--data", data, "--out", tmp_path, *flags) == 0
  row = rows(tmp_path, "score")["model_tiny.keras"]
  folder = read_folder(data, HELD_OUT)
  pairs = folder.training + folder.validation
  sources, targets = (np.stack([read_image(getattr(pair, side)) for pair in pairs]) for side in ("source", "target"))
  network = keras.saving.load_model(model)
  decibels = psnr(targets, network(sources).numpy()).mean()
  similarity = ms_ssim(targets, network(sources, clip=False).numpy(), variant="dped").mean()
  form = {None: "validation form", "estimated": "final form, MOS from NIQE"}.get(mos, "final form")
  if mos == "estimated":
    mos = 3.0 - 0.01 * row["ours"]["niqe"]["mean"]
    assert 1 < mos < 3
  expected = pirm_score(decibels, mos, 50, 100) if mos else pirm_validation_score(decibels, similarity, 50, 100)
  assert {name: row["ours"][name]["mean"] for name in "ABC"} == pytest.approx(expected, abs=1e-2)
  assert row["ours"]["cpu_ms"]["mean"] == 50 and row["ours"]["mos"]["mean"] == (mos and pytest.approx(mos))
  assert row["group"] == f"12 pairs, {form}" and row["published"] == {}


def test_a_run_is_scored_on_what_it_has_not_seen(data, model, tmp_path, timed):
  folder = read_folder(data, 0.4)
  (tmp_path / "run").mkdir()
  shutil.copy(model, tmp_path / "run" / "generator.keras")
  options = {"validation_share": 0.4, "phone": None, "source": None, "target": None}
  (tmp_path / "run" / "run.json").write_text(json.dumps({"options": options, "data": folder.summary()}))
  assert call("score", "--model", tmp_path / "run", "--data", data, "--out", tmp_path / "out") == 0
  row = rows(tmp_path / "out", "score")["model_run"]
  assert row["measurements"][0]["pairs"] == len(folder.validation) < 12
  (tmp_path / "run" / "run.json").write_text(json.dumps({"options": options, "data": {"kind": "other"}}))
  assert call("score", "--model", tmp_path / "run", "--data", data, "--out", tmp_path / "other") == 0
  assert rows(tmp_path / "other", "score")["model_run"]["measurements"][0]["pairs"] == 12


def test_a_pair_that_is_reproduced_exactly_leaves_the_score_finite(data, tmp_path, timed):
  folder = shutil.copytree(data, tmp_path / "data")
  for name in ("iphone", "canon"):
    write_image(folder / "patches" / name / "3.png", np.ones((100, 100, 3), np.float32))
  rescaling(1.2).save(tmp_path / "m.keras")  # white stays
  assert call("score", "--model", tmp_path / "m.keras", "--data", folder, "--out", tmp_path / "out") == 0
  row = rows(tmp_path / "out", "score")["model_m.keras"]
  record, = row["measurements"]
  assert (record["pairs"], record["identical_pairs"]) == (12, 1)
  assert row["ours"]["psnr"]["mean"] == record["psnr_distinct"] > 0 and row["ours"]["A"]["mean"] is not None


@pytest.mark.slow
def test_score_of_a_model_with_real_times(data, model, tmp_path):
  assert call("score", "--model", model, "--data", data, "--out", tmp_path, "--mos", 2.5, "--rounds", 2) == 0
  record, = rows(tmp_path, "score")["model_tiny.keras"]["measurements"]
  assert 0 < record["times"]["model"]["ratio"] < record["times"]["srcnn"]["ratio"] == 1
  assert record["values"]["cpu_ms"] == record["times"]["model"]["ms"]


# Wrong calls.

@pytest.mark.parametrize(("table", "flags", "message"), [
    ("table2", [], "no data folder: give one with --data"),
    ("table3", [], "no data folder: give one with --data"),
    ("table5", ["--data", "nowhere"], "no data folder nowhere"),
    ("table2", ["--data", "photographs"], "photographs holds photographs without targets"),
    ("table2", ["--data", "empty"], "DIR/patches/{<phone>,canon}"),
    ("table3", ["--data", "empty"], "empty: no image in this folder"),
    ("table2", ["--data", "pairs", "--phone", "sony"], "pairs holds iphone, not sony"),
    ("table2", ["--data", "pairs", "--phone", "nokia"], "invalid choice 'nokia'"),
    ("table2", ["--data", "pairs", "--models", "srcnn"], "expected NAME=MODEL"),
    ("table2", ["--data", "pairs", "--models", "srcn=x"], "did you mean 'srcnn'"),
    ("table2", ["--data", "pairs", "--models", "srcnn=x"], "no file or folder x"),
    ("table2", ["--data", "pairs", "--weights", "nowhere"], "no folder nowhere: give --weights"),
    ("table2", ["--data", "pairs", "--steps", 0], "steps is 0"),
    ("table2", ["--data", "pairs", "--test_images", 0], "test_images is 0"),
    ("table2", ["--data", "pairs", "--out", "file"], "there is a file in its place: choose another --out"),
    ("table4", ["--out", "file"], "there is a file in its place: choose another --out"),
    ("table4", ["--rounds", 0], "rounds is 0: expected 1 or more (--rounds)"),
    ("table5", ["--data", "pairs", "--seeds", 0], "seeds is 0: expected 1 or more (--seeds)"),
    ("score", ["--model", "no_such.keras", "--data", "pairs"], "no model 'no_such.keras'"),
    ("score", ["--model", "x.keras", "--data", "pairs", "--niqe_mos", 0.1, 3], "slope is 0.1: expected a number below 0"),
    ("score", ["--niqe_mos", -0.1, 3], "--niqe_mos is (-0.1, 3.0), but there is no model that it is of"),
    ("score", ["--model", "x.keras", "--mos", 2, "--niqe_mos", -0.1, 3], "give one of them"),
    ("score", ["--mos", 2.5], "there is no model that it is of: give one with --model"),
    ("score", ["--model", "x.keras", "--data", "pairs", "--mos", 7], "mos is 7.0: expected a mean opinion from 1 to 5"),
    ("score", ["--rounds", 0], "rounds is 0"),
    ("table6", [], "did you mean 'table"),
])
def test_a_wrong_call_says_what_is_right(table, flags, message, data, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  shutil.copytree(data / "HD_res", "photographs")
  shutil.copytree(data / "patches", "pairs/patches")
  (tmp_path / "empty").mkdir()
  (tmp_path / "file").write_text("mine")
  before = sorted(tmp_path.rglob("*"))
  assert call(table, *flags) == 2
  shown = text(capsys.readouterr())
  assert message in shown and "Traceback" not in shown
  assert sorted(tmp_path.rglob("*")) == before  # nothing is left behind


def test_score_needs_a_model_that_can_be_timed_beside_another(tmp_path, monkeypatch, capsys):
  monkeypatch.setattr("tf_imgtrans.inference.runners.KerasRunner", None)
  (tmp_path / "m.tflite").write_bytes(b"")
  monkeypatch.setattr("tf_imgtrans.inference.runners.LiteRunner", lambda path, threads: None)
  assert call("score", "--model", tmp_path / "m.tflite", "--data", tmp_path, "--out", tmp_path / "out") == 2
  assert "is exported: its time cannot be set beside that of a Keras model" in capsys.readouterr().err


def test_fewer_images_are_measured_on_request(data, tmp_path, untrained, few_rows):
  flags = ["--data", data, "--out", tmp_path, "--steps", 2, "--test_images", 1]
  assert call("table2", *flags) == call("table3", *flags) == 0
  assert {record["pairs"] for row in rows(tmp_path, "table2").values() for record in row["measurements"]} == {1}
  assert len(json.loads((tmp_path / "table3" / "rows" / "input-seed0.json").read_text())["each"]["niqe"]) == 1


def test_a_table_is_called_from_python(data, tmp_path, untrained, few_rows, capsys):
  options = enhancement.EnhancementOptions(data=data, out=tmp_path, steps=2)
  report = mux_demux.table2(options, seeds=1)
  assert report.status == 0 and report.out == tmp_path / "table2"
  by_key = {result.row.key: result for result in report.results}
  assert by_key["srcnn"].mean("psnr") == rows(tmp_path, "table2")["srcnn"]["ours"]["psnr"]["mean"]
  assert {verdict.word for verdict in report.verdicts} == {"not measured"}


@pytest.mark.slow
def test_the_tiny_preset_runs_from_end_to_end(data, tmp_path, few_rows):
  assert call("table2", "--data", data, "--out", tmp_path, "--preset", "tiny") == 0
  found = rows(tmp_path, "table2")
  assert all(found[name]["measurements"][0]["pairs"] <= 4 for name in ("input", "srcnn", "mux_demux_hp"))
