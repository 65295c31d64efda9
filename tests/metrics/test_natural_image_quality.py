"""NIQE against BasicSR's values, and its pieces against closed forms."""

import numpy as np
import pytest
from PIL import Image
from scipy.stats import gennorm

from tf_imgtrans.metrics import natural_image_quality as module
from tf_imgtrans.metrics import niqe

RNG = np.random.default_rng(7)

# Golden values: BasicSR 1.4.2 (source archive of PyPI), basicsr.metrics.niqe, on scikit-image's PNG files; NumPy
# 2.4.6, SciPy 1.17.1, OpenCV 5.0.0, PyTorch 2.13.0 on a CPU, 2026-11-21. Command:
# calculate_niqe(cv2.imread(name + ".png"), crop_border, convert_to=channel).
# It works in float32. On coffee and chelsea that leaves 1e-5 in "y"; in "gray" it rounds halves (one colour in a
# thousand) by chance. Astronaut has flat black areas, where rounding noise counts as texture: BasicSR itself gives
# 3.0916 instead of 3.0649 when its input is float64.
GOLDEN = [
    ("coffee", "y", 0, 4.115241615372862, 1e-5),
    ("coffee", "y", 4, 4.079406018889277, 1e-5),
    ("coffee", "gray", 0, 4.0593383127379035, 5e-4),
    ("chelsea", "y", 0, 2.6255243812915023, 1e-5),
    ("chelsea", "y", 4, 2.6893133463072423, 1e-5),
    ("chelsea", "gray", 0, 2.57208331399021, 5e-4),
    ("astronaut", "y", 0, 3.0649476661847754, 1e-3),
    ("astronaut", "gray", 0, 3.0610040667996845, 1e-3),
]


@pytest.mark.parametrize("name, channel, border, expected, tolerance", GOLDEN)
def test_against_basicsr(photograph, name, channel, border, expected, tolerance):
  value = niqe(photograph(name), channel=channel, crop_border=border)
  assert value.dtype == np.float64
  np.testing.assert_allclose(value, [expected], rtol=tolerance)


def test_float32_and_files_agree(photograph):
  """8-bit values as float32, and floats that would be rounded in a file, give the same luma and the same value."""
  image = photograph("astronaut")[:, :192, :288]
  expected = niqe(image)
  np.testing.assert_array_equal(niqe(image.astype(np.float32)), expected)
  np.testing.assert_array_equal(niqe(image + 0.4 / 255 * RNG.uniform(-1, 1, image.shape)), expected)


def test_challenge_photographs(dped_folder):
  """Near the 2.81 of an independent implementation on four photographs, of which three are available (2.79)."""
  paths = sorted((dped_folder / "HD_res").glob("*.png"))
  values = [niqe(np.asarray(Image.open(path))[None, ..., :3] / 255.0)[0] for path in paths]
  assert np.mean(values) == pytest.approx(2.81, abs=0.1)


def test_blur_and_noise_are_worse(photograph):
  image = photograph("coffee")
  blurred = image.copy()
  for _ in range(6):
    blurred = (blurred + np.roll(blurred, 1, axis=1) + np.roll(blurred, 1, axis=2)) / 3
  noisy = np.clip(image + 0.1 * RNG.standard_normal(image.shape), 0, 1)
  original, *worse = niqe(np.concatenate([image, blurred, noisy]))
  assert min(worse) > original + 1


def test_images_are_measured_one_by_one(photograph):
  image = photograph("coffee")
  parts = np.stack([image[0, :192, :192], image[0, 150:342, 300:492]])
  together = niqe(parts)
  assert together.shape == (2,)
  np.testing.assert_array_equal(together, [niqe(part[None])[0] for part in parts])


@pytest.mark.parametrize("height, width, border", [(96, 191, 0), (100, 100, 0), (191, 96, 0), (192, 104, 5)])
def test_too_small(height, width, border):
  inside = f"{height - 2 * border}x{width - 2 * border}"
  with pytest.raises(ValueError, match=f"{inside}.*at least two.*96x192.*full photograph or a montage"):
    niqe(RNG.random((1, height, width, 3)), crop_border=border)


def test_two_blocks_are_enough():
  assert np.isfinite(niqe(RNG.random((1, 96, 192, 3)))).all()
  assert np.isfinite(niqe(RNG.random((1, 202, 106, 3)), crop_border=5)).all()


def test_flat_images_are_refused():
  with pytest.raises(ValueError, match="0 of 4 blocks of the image have texture"):
    niqe(np.full((1, 192, 192, 3), 0.7))


def test_flat_blocks_leave_the_rest_alone():
  """A white sky has no fit: NaN scales and means, and the first shape of the grid as in the release.

  The filter carries the texture three columns into the sky, with one sign: one side of the fit still has no value.
  """
  image = RNG.random((1, 192, 288, 3))
  image[:, :, 192:] = 1.0
  features = module.block_features(module.whole_luma(image[0], "y"))
  flat = np.isnan(features).any(axis=1)
  np.testing.assert_array_equal(flat, [False, False, True, False, False, True])
  shapes = [0, 2, 6, 10, 14, 18, 20, 24, 28, 32]
  np.testing.assert_array_equal(features[flat][:, 0], module.SHAPES[0])
  assert np.isfinite(features[:, shapes]).all()
  assert np.isfinite(niqe(image)).all()


def test_flat_areas_have_no_contrast():
  for value in (16.0, 37.0, 235.0, 255.0):
    assert not module.normalised_contrast(np.full((40, 40), value)).any()


@pytest.mark.parametrize("shape", [0.5, 0.9, 1.5, 2.0, 3.7])
def test_fit_recovers_a_known_shape(shape):
  """200 000 samples fix the shape to about 1 %, the scale better."""
  samples = 1.7 * gennorm.rvs(shape, size=(1, 400, 500), random_state=11)
  fitted, left, right = module.fit_asymmetric_gaussian(samples)
  assert fitted[0] == pytest.approx(shape, rel=0.03)
  assert left[0] == pytest.approx(1.7, rel=0.06)
  assert right[0] == pytest.approx(1.7, rel=0.06)


def test_fit_recovers_asymmetry():
  """An asymmetric generalised Gaussian: side by side with probability beta_l : beta_r, each half with its scale."""
  halves = np.abs(gennorm.rvs(1.2, size=300_000, random_state=12))
  on_left = np.random.default_rng(13).random(halves.size) < 0.5 / (0.5 + 1.3)
  samples = np.where(on_left, -0.5 * halves, 1.3 * halves).reshape(1, 500, 600)
  fitted, left, right = module.fit_asymmetric_gaussian(samples)
  assert fitted[0] == pytest.approx(1.2, rel=0.03)
  assert left[0] == pytest.approx(0.5, rel=0.04)
  assert right[0] == pytest.approx(1.3, rel=0.04)


def test_fit_finds_the_nearest_of_the_grid():
  blocks = RNG.standard_normal((5, 20, 20)) ** 3 + 0.1
  fitted, _, _ = module.fit_asymmetric_gaussian(blocks)
  for block, shape in zip(blocks, fitted):
    left, right = np.sqrt(np.mean(block[block < 0] ** 2)), np.sqrt(np.mean(block[block > 0] ** 2))
    ratio = left / right
    target = np.mean(np.abs(block)) ** 2 / np.mean(block ** 2)
    target *= (ratio ** 3 + 1) * (ratio + 1) / (ratio ** 2 + 1) ** 2
    assert shape == module.SHAPES[np.argmin((module.SHAPE_RATIOS - target) ** 2)]
  assert np.all(np.diff(module.SHAPE_RATIOS) > 0)
  assert module.SHAPES[-1] == pytest.approx(10.0)


def test_distance_by_hand():
  """Diagonal models: each axis contributes d^2 / mean variance; an axis without variance contributes nothing."""
  distance = module.gaussian_distance(np.array([1.0, 0.0, 5.0]), np.diag([1.0, 2.0, 0.0]),
                                      np.array([4.0, 4.0, 0.0]), np.diag([8.0, 6.0, 0.0]))
  assert distance == pytest.approx(np.sqrt(9 / 4.5 + 16 / 4))


def test_blocks_are_cut_in_place():
  image = np.arange(4 * 6.0).reshape(4, 6)
  blocks = module.split_blocks(image, 2)
  np.testing.assert_array_equal(blocks[1], image[:2, 2:4])
  np.testing.assert_array_equal(blocks[5], image[2:, 4:])


def test_own_parameters_name_their_origin():
  with np.load(module.PRISTINE) as file:
    assert file["mean"].shape == (36,) and file["covariance"].shape == (36, 36)
    assert "LIVE" in str(file["origin"]) and "Mittal" in str(file["origin"])
  mean, covariance = module.read_pristine(module.PRISTINE)
  eigenvalues = np.linalg.eigvalsh(covariance)
  assert eigenvalues.min() > 0
  assert mean[0] == pytest.approx(2.60131368)  # shape of the normalised pixels, as published


def test_other_parameters(tmp_path):
  image = RNG.random((1, 96, 192, 3))
  mean, covariance = module.read_pristine(module.PRISTINE)
  np.savez(tmp_path / "own.npz", mean=mean, covariance=covariance)
  np.savez(tmp_path / "release.npz", mu_pris_param=mean[None], cov_pris_param=covariance)
  np.savez(tmp_path / "moved.npz", mean=mean + 1, covariance=covariance)
  expected = niqe(image)
  np.testing.assert_array_equal(niqe(image, parameters=tmp_path / "own.npz"), expected)
  np.testing.assert_array_equal(niqe(image, parameters=str(tmp_path / "release.npz")), expected)
  assert niqe(image, parameters=tmp_path / "moved.npz")[0] != expected[0]


@pytest.mark.parametrize("arrays, words", [
    ({"other": np.zeros(3)}, "holds no NIQE parameters"),
    ({"mean": np.zeros(35), "covariance": np.eye(36)}, r"\(35,\)"),
    ({"mean": np.zeros(36), "covariance": np.eye(35)}, r"\(35, 35\)"),
    ({"mean": np.full(36, np.nan), "covariance": np.eye(36)}, "non-finite"),
    ({"mean": np.zeros(36), "covariance": np.triu(np.ones((36, 36)))}, "not symmetric"),
    ({"mean": np.array(["a"] * 36), "covariance": np.eye(36)}, "holds no NIQE parameters"),
])
def test_bad_parameters(tmp_path, arrays, words):
  np.savez(tmp_path / "bad.npz", **arrays)
  with pytest.raises(ValueError, match=f"bad.npz.*{words}"):
    module.read_pristine(tmp_path / "bad.npz")


def test_bad_parameter_files(tmp_path):
  np.save(tmp_path / "array.npy", np.zeros(36))
  (tmp_path / "text.npz").write_text("no archive")
  (tmp_path / "empty.npz").write_bytes(b"")
  np.savez(tmp_path / "torn.npz", mean=np.zeros(36), covariance=np.eye(36))
  (tmp_path / "torn.npz").write_bytes((tmp_path / "torn.npz").read_bytes()[:2000])
  for name in ("array.npy", "text.npz", "empty.npz", "torn.npz"):
    with pytest.raises(ValueError, match="holds no NIQE parameters"):
      module.read_pristine(tmp_path / name)
  with pytest.raises(FileNotFoundError, match="absent.npz"):
    niqe(RNG.random((1, 96, 192, 3)), parameters=tmp_path / "absent.npz")


@pytest.mark.parametrize("channel, weights, white, offset", [
    ("y", (65481, 128553, 24966), 255_000, 16), ("gray", (299, 587, 114), 1000, 0)])
def test_luma_is_rounded_halves_up(channel, weights, white, offset):
  """In integers, of all colours whose luma is a half or differs from one by the least step."""
  colors = np.stack(np.meshgrid(*3 * [np.arange(0, 256, 3)], indexing="ij"), axis=-1).reshape(-1, 3)
  luma = colors @ np.array(weights)
  colors = np.concatenate([colors[(luma + distance) % white == white // 2] for distance in (-3, -1, 0, 1, 3)])
  expected = offset + (colors @ np.array(weights) + white // 2) // white
  np.testing.assert_array_equal(module.whole_luma(colors[None] / 255.0, channel), expected[None])
