"""`tf-imgtrans evaluate` with metrics of sets: what it reports, prints and refuses."""

import json

import keras
import numpy as np
import pytest

from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.metrics import feature_distance, feature_extractors, sliced_wasserstein
from tf_imgtrans.metrics.set_scoring import SetScores


@pytest.fixture(scope="module")
def files(tmp_path_factory):
  """A model that gives its input, half as bright; an extractor of 4 features; six pairs of 48x64 images."""
  folder = tmp_path_factory.mktemp("files")
  images = keras.Input((None, None, 3))
  keras.Model(images, keras.layers.Rescaling(0.5)(images)).save(folder / "half.keras")
  images = keras.Input((32, 32, 3))
  features = keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.RandomNormal(seed=1))(images)
  keras.Model(images, keras.layers.GlobalAveragePooling2D()(features)).save(folder / "tiny.keras")
  whole = read_image(held_out_photograph())
  for index in range(6):
    crop = whole[20 * index:20 * index + 48, 30 * index:30 * index + 64]
    write_image(folder / "pairs" / "high" / f"{index}.png", crop)
    write_image(folder / "pairs" / "low" / f"{index}.png", crop * 0.7)
  return folder


def evaluate(files, *arguments, data=None, model=None):
  """Runs the command in this process; its exit status."""
  with pytest.raises(SystemExit) as stopped:
    main([str(argument) for argument in ("evaluate", "--model", model or files / "half.keras", "--data",
                                         data or files / "pairs", *arguments)])
  return stopped.value.code


def read_images(files, which):
  return np.stack([read_image(files / "pairs" / which / f"{index}.png") for index in range(6)])


def test_sets_are_measured_beside_images(files, tmp_path, capsys):
  assert evaluate(files, "--metrics", "psnr", "frechet", "sliced_wasserstein", "--feature_weights", files / "tiny.keras",
                  "--feature_cache", tmp_path / "kept", "--json", tmp_path / "found.json") == 0
  found = json.loads((tmp_path / "found.json").read_text())["metrics"]
  assert list(found) == ["psnr", "frechet_tiny", "sliced_wasserstein"]
  high, low = read_images(files, "high"), read_images(files, "low")
  for which, images in (("input", low), ("output", 0.5 * low)):
    expected = feature_distance(high, images, files / "tiny.keras")
    assert found["frechet_tiny"][which]["value"] == pytest.approx(expected["frechet_tiny"], rel=1e-6)
    levels = sliced_wasserstein(high, images)
    assert found["sliced_wasserstein"][which]["value"] == pytest.approx(levels.pop("average"))
    assert found["sliced_wasserstein"][which]["levels"] == pytest.approx({str(side): v for side, v in levels.items()})
  row = found["frechet_tiny"]
  assert (row["extractor"], row["images"], row["higher_is_better"]) == ("tiny", 6, False)
  assert row["resize"] == "32x32 bilinear without antialiasing" and row["weights"] == expected["weights"]
  published = " ".join(capsys.readouterr().out.split())
  for words in (f"frechet_tiny │ {row['input']['value']:.4f} │ {row['output']['value']:.4f} │ lower", row["weights"],
                row["resize"], "sliced_wasserstein_48 x1000", "sliced_wasserstein x1000", "6 targets"):
    assert words in published, words
  assert len(list((tmp_path / "kept").glob("tiny-*.npz"))) == 3  # targets, outputs and inputs


def test_fid_has_its_name_from_inception_alone(files, tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(feature_extractors, "INCEPTION_FEATURES", 8)
  images = keras.Input((None, None, 3))
  pooled = keras.layers.GlobalAveragePooling2D()(images)
  keras.Model(images, keras.layers.Dense(8)(pooled), name="inception_v3").save(tmp_path / "stand_in.keras")
  assert evaluate(files, "--metrics", "fid", "frechet", "--feature_weights", tmp_path / "stand_in.keras", "--json",
                  tmp_path / "found.json") == 0
  found = json.loads((tmp_path / "found.json").read_text())["metrics"]
  assert list(found) == ["fid", "frechet_inception_v3"]
  assert found["fid"]["output"] == found["frechet_inception_v3"]["output"]
  assert "6 and 6 images for 8 features" in found["fid"]["note"] and found["fid"]["note"] in capsys.readouterr().out
  assert evaluate(files, "--metrics", "fid", "--feature_weights", files / "tiny.keras") == 2
  assert "fid is measured with InceptionV3: measure --metrics frechet" in capsys.readouterr().err


def test_missing_weights_are_named_before_anything_starts(files, tmp_path, capsys):
  assert evaluate(files, "--metrics", "frechet", model="no_such.keras") == 2
  assert "--feature_weights PATH" in capsys.readouterr().err
  assert evaluate(files, "--metrics", "fid", "--feature_weights", tmp_path / "absent.h5", model="no_such.keras") == 2
  assert "absent.h5" in capsys.readouterr().err


def test_fid_without_a_network_tells_the_way(files, capsys, monkeypatch):
  def fail(**options):
    raise Exception("URL fetch failure")

  monkeypatch.setattr(keras.applications, "InceptionV3", fail)
  assert evaluate(files, "--metrics", "fid") == 2
  assert "download failed (URL fetch failure). Give --feature_weights PATH" in capsys.readouterr().err


def test_photographs_alone_have_no_targets(files, capsys, tmp_path):
  high = files / "pairs" / "high"
  assert evaluate(files, "--metrics", "niqe", "sliced_wasserstein", "--task", "photographs", data=high) == 2
  assert "sliced_wasserstein need targets" in capsys.readouterr().err
  assert evaluate(files, "--metrics", "sliced_wasserstein", "--task", "mux_demux", "--json", tmp_path / "a.json",
                  data=high) == 0
  assert json.loads((tmp_path / "a.json").read_text())["metrics"]["sliced_wasserstein"]["input"]["value"] > 0


def test_a_image_of_another_size_is_named(files, tmp_path, capsys):
  for which in ("high", "low"):
    for index in range(2):
      write_image(tmp_path / which / f"{index}.png", read_images(files, which)[index][:48 - 8 * index])
  assert evaluate(files, "--metrics", "sliced_wasserstein", data=tmp_path) == 2
  assert "the target of 1 is 64x40 and the target of 0 64x48" in capsys.readouterr().err


def test_a_size_that_cannot_be_halved_is_named(files, tmp_path, capsys):
  for which in ("high", "low"):
    write_image(tmp_path / which / "0.png", read_images(files, which)[0][:33])
  assert evaluate(files, "--metrics", "sliced_wasserstein", data=tmp_path) == 2
  assert "33x64, and a level of 33x64 cannot be halved" in capsys.readouterr().err


def test_one_image_has_no_spread(files, tmp_path, capsys):
  for which in ("high", "low"):
    write_image(tmp_path / which / "0.png", read_images(files, which)[0])
  assert evaluate(files, "--metrics", "frechet", "--feature_weights", files / "tiny.keras", data=tmp_path) == 2
  assert "1 image: fid and frechet compare spreads" in capsys.readouterr().err


def test_inputs_of_another_size_are_left_out(files):
  high, low = read_images(files, "high"), read_images(files, "low")[:, ::2, ::2]
  with SetScores(["sliced_wasserstein"], 6) as sets:
    for index in range(6):
      sets.add(str(index), high[index], high[index], low[index])
    row = sets.rows()["sliced_wasserstein"]
  assert row["input"] == {"value": None} and row["output"]["value"] == 0
  with pytest.raises(ValueError, match="unknown metric of sets 'swd'"):
    SetScores(["swd"], 6)
