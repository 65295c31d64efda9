"""x~ = J((x * k * b) down_s + n): each operator alone, the kernels by hand, and the same seed in every mode."""

import io

import cv2
import numpy as np
import pytest
import recipes
import scipy.ndimage
import scipy.signal
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tf_imgtrans.data.blur import combined_kernel, convolved, gaussian_kernel, motion_kernel
from tf_imgtrans.data.degradations import area, degraded_low_resolution, jpeg, low_resolution, noisy

NONE = {f"{name}_probability": 0.0 for name in ("gaussian", "motion", "noise", "jpeg")}


@pytest.fixture(scope="module")
def crop(real_photograph):
  return real_photograph[90:154, 140:220]


def _moments(kernel):
  """Sum, mean place and covariance of a kernel; x to the right, y upwards."""
  kernel = np.float64(kernel)
  reach = len(kernel) // 2
  y, x = np.mgrid[reach:-reach - 1:-1, -reach:reach + 1]
  places = np.stack([x.ravel(), y.ravel()])
  mean = places @ kernel.ravel()
  return kernel.sum(), mean, (places * kernel.ravel()) @ places.T - np.outer(mean, mean)


# Kernels


@given(along=st.floats(0.8, 4), across=st.floats(0.8, 4), angle=st.floats(-360, 360))
def test_the_gaussian_has_the_asked_variances(along, across, angle):
  total, mean, covariance = _moments(gaussian_kernel(along, across, angle, 20))
  turn = np.deg2rad(angle)
  u, v = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
  np.testing.assert_allclose(total, 1, atol=1e-6)
  np.testing.assert_allclose(mean, 0, atol=1e-5)
  np.testing.assert_allclose(covariance, along ** 2 * np.outer(u, u) + across ** 2 * np.outer(v, v), atol=2e-3)


def test_four_deviations_hold_the_gaussian():
  _, _, covariance = _moments(gaussian_kernel(12.0, 3.0, 0.0, 48))
  np.testing.assert_allclose(np.diag(covariance), [144, 9], rtol=2e-3)


def test_the_smallest_gaussian_is_the_identity():
  for sigma in (0.0, 0.05, 0.2):
    kernel = gaussian_kernel(sigma, sigma, 30.0, 2).numpy()
    np.testing.assert_allclose(kernel, np.pad([[1.0]], 2), atol=2e-5)


@pytest.mark.parametrize("angle", [0.0, 33.0, 90.0, 135.0])
def test_motion_of_one_pixel_is_the_identity(angle):
  np.testing.assert_allclose(motion_kernel(1.0, angle, 3), np.pad([[1.0]], 3), atol=1e-6)


def test_motion_by_hand():
  row = np.zeros((9, 9))
  row[4, 2:7] = 1 / 5
  np.testing.assert_allclose(motion_kernel(5.0, 0.0, 4), row, atol=1e-6)
  np.testing.assert_allclose(motion_kernel(5.0, 90.0, 4), row.T, atol=1e-6)
  row[4, 2:7] = np.array([0.5, 1, 1, 1, 0.5]) / 4
  np.testing.assert_allclose(motion_kernel(4.0, 180.0, 4), row, atol=1e-6)
  # Three points at (-h, -h), (0, 0), (h, h), x to the right and y upwards, each shared between four pixels.
  h = np.sqrt(0.5)
  near, far, middle = h * h / 3, h * (1 - h) / 3, (1 + 2 * (1 - h) ** 2) / 3
  np.testing.assert_allclose(motion_kernel(3.0, 45.0, 1), [[0, far, near], [far, middle, far], [near, far, 0]], atol=1e-6)


@given(length=st.floats(1, 15), angle=st.floats(0, 180))
def test_motion_is_a_line(length, angle):
  kernel = motion_kernel(length, angle, 8).numpy()
  assert kernel.min() >= 0
  np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)
  total, _, covariance = _moments(kernel)
  np.testing.assert_allclose(total, 1, atol=1e-6)
  turn = np.deg2rad(angle)
  along = np.array([np.cos(turn), np.sin(turn)])
  # A row of L ones has the variance (L^2 - 1) / 12, and (L^2 + 2) / 12 of even L; sharing adds at most 1 / 4.
  assert -0.01 < along @ covariance @ along - (length ** 2 - 1) / 12 < 0.51
  assert np.array([-along[1], along[0]]) @ covariance @ [-along[1], along[0]] < 0.26


def test_kernels_behind_each_other():
  first, second = gaussian_kernel(1.5, 0.8, 20.0, 6).numpy(), motion_kernel(6.0, 70.0, 4).numpy()
  np.testing.assert_allclose(combined_kernel(first, second), scipy.signal.convolve2d(first, second), atol=1e-6)


@given(height=st.integers(1, 40), width=st.integers(1, 40), reach=st.integers(0, 12), seed=st.integers(0, 99))
def test_convolution_agrees_with_scipy(height, width, reach, seed):
  image = recipes.random_images(height, width, 3, seed=seed)
  kernel = recipes.random_images(2 * reach + 1, 2 * reach + 1, seed=seed)
  kernel = (kernel + kernel[::-1, ::-1]) / (2 * kernel.sum())
  expected = scipy.ndimage.convolve(np.float64(image), kernel[..., None], mode="reflect")
  np.testing.assert_allclose(convolved(tf.constant(image), tf.constant(kernel)), expected, atol=3e-6)


# Area


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), factor=st.integers(1, 8), batch=st.integers(0, 2))
def test_area_agrees_with_a_mean(rows, columns, factor, batch):
  shape = (batch, rows * factor, columns * factor, 3) if batch else (rows * factor, columns * factor, 3)
  images = recipes.random_images(*shape)
  blocks = np.float64(images).reshape(*shape[:-3], rows, factor, columns, factor, 3)
  found = area(images, factor)
  assert found.dtype == tf.float32
  np.testing.assert_allclose(found, blocks.mean((-4, -2)), atol=1e-6)
  unknown = tf.function(lambda x: area(x, factor), input_signature=[tf.TensorSpec([None] * (len(shape) - 1) + [3])])
  np.testing.assert_allclose(unknown(images), found, atol=1e-6)
  assert tf.function(lambda x: area(x, factor)).get_concrete_function(tf.TensorSpec(shape)).output_shapes == found.shape


def test_three_halvings_are_one_eighth(crop):
  np.testing.assert_allclose(area(area(area(crop, 2), 2), 2), area(crop, 8), atol=1e-6)


def test_area_has_gradients_of_both_orders():
  def penalty(images):
    with tf.GradientTape() as tape:
      tape.watch(images)
      value = tf.reduce_sum(area(images, 2) ** 3)
    return tf.reduce_sum(tape.gradient(value, images) ** 2)

  point = 0.25 + 0.5 * recipes.random_images(1, 4, 6, 3)
  recipes.check_gradient(lambda images: tf.reduce_sum(area(images, 2) ** 2), point)
  recipes.check_gradient(penalty, point)


def test_area_wants_a_multiple():
  with pytest.raises(ValueError, match=r"\(6, 7, 3\): the width is no multiple of 2"):
    area(np.zeros((6, 7, 3), np.float32), 2)
  with pytest.raises(ValueError, match="factor is 0"):
    area(np.zeros((6, 6, 3), np.float32), 0)
  unknown = tf.function(lambda x: area(x, 4), input_signature=[tf.TensorSpec((None, None, 3))])
  with pytest.raises(tf.errors.InvalidArgumentError, match="height is no multiple of 4"):
    unknown(np.zeros((6, 8, 3), np.float32))


# Each operator alone


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_without_anything_it_is_the_plain_reduction(scale, crop):
  np.testing.assert_array_equal(degraded_low_resolution(crop, scale, 3, **NONE), area(crop, scale))
  np.testing.assert_array_equal(degraded_low_resolution(crop, scale, 3, "bicubic", **NONE), low_resolution(crop, scale))


@pytest.mark.parametrize("scale", [2, 4])
def test_the_isotropic_gaussian_alone(scale, crop):
  found = degraded_low_resolution(crop, scale, 0, gaussian_sigma_px=(1.5, 1.5), **{**NONE, "gaussian_probability": 1.0})
  blurred = scipy.ndimage.gaussian_filter(np.float64(crop), (0.75 * scale, 0.75 * scale, 0), mode="reflect", truncate=4)
  np.testing.assert_allclose(found, cv2.resize(blurred, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA),
                             atol=3e-4)  # SciPy's is cut by a square that is a little smaller


def test_the_gaussian_of_two_deviations_alone(crop):
  """A point of light shows the kernel: drawn once with equal deviations and once with different ones."""
  point = np.zeros((65, 65, 3), np.float32)
  point[32, 32] = 1
  options = {**NONE, "gaussian_probability": 1.0, "gaussian_sigma_px": (2.0, 8.0)}  # times 1 / 2
  for seed in range(4):
    for isotropic in (0.0, 1.0):
      spread = degraded_low_resolution(point, 1, seed, isotropic_probability=isotropic, **options).numpy()[..., 1]
      deviations = np.sqrt(np.linalg.eigvalsh(_moments(spread)[2]))
      assert 0.98 < deviations[0] and deviations[1] < 4.02
      assert (deviations[1] - deviations[0] < 0.02) == bool(isotropic)
  turned = degraded_low_resolution(point, 1, 1, isotropic_probability=0.0, gaussian_angle_deg=(30, 30), **options).numpy()
  _, axes = np.linalg.eigh(_moments(turned[..., 1])[2])
  assert min(abs(np.abs(np.rad2deg(np.arctan2(axes[1], axes[0]))) % 90 - angle).min() for angle in (30, 60)) < 0.5


def test_motion_alone(crop):
  found = degraded_low_resolution(crop, 4, 0, motion_length_px=(7, 7), motion_angle_deg=(90, 90),
                                  **{**NONE, "motion_probability": 1.0})
  blurred = cv2.filter2D(crop, -1, np.full((7, 1), 1 / 7), borderType=cv2.BORDER_REFLECT)
  np.testing.assert_allclose(found, blurred.reshape(16, 4, 20, 4, 3).mean((1, 3)), atol=2e-6)


def test_noise_alone():
  grey = np.full((256, 256, 3), 0.5, np.float32)
  found = degraded_low_resolution(grey, 2, 0, noise_std_unit=(0.05, 0.05), **{**NONE, "noise_probability": 1.0}).numpy()
  rest = (found - 0.5) / 0.05
  assert abs(rest.mean()) < 0.02 and abs(rest.std() - 1) < 0.02 and abs((rest ** 4).mean() - 3) < 0.2
  flat = rest.reshape(-1, 3)
  assert np.abs(np.corrcoef(flat.T) - np.eye(3)).max() < 0.03  # each channel draws its own


def test_photons():
  image = np.full((128, 128, 3), 0.25, np.float32)
  counts = noisy(image, 0.0, 5, peak_photons=40.0).numpy() * 40
  np.testing.assert_allclose(counts, np.round(counts), atol=1e-4)
  assert abs(counts.mean() - 10) < 0.1 and abs(counts.var() - 10) < 0.3
  options = {**NONE, "noise_probability": 1.0, "noise_std_unit": (0, 0)}
  np.testing.assert_array_equal(degraded_low_resolution(image, 2, 0, **options), image[::2, ::2])
  assert degraded_low_resolution(image, 2, 0, peak_photons=(40, 40), **options).numpy().std() == pytest.approx(
      np.sqrt(10) / 40, rel=0.05)


@pytest.mark.parametrize("quality", [40, 95])
def test_jpeg_alone(quality, crop):
  small = area(crop, 2).numpy()
  found = degraded_low_resolution(crop, 2, 0, jpeg_quality=(quality, quality), **{**NONE, "jpeg_probability": 1.0}).numpy()
  file = io.BytesIO()
  Image.fromarray(np.floor(small * 255 + 0.5).astype(np.uint8)).save(file, "JPEG", quality=quality, subsampling=2)
  expected = np.asarray(Image.open(file)) / 255
  assert np.abs(found - small).mean() > 1 / 255  # it is seen
  np.testing.assert_allclose(found, expected, atol=1.5 / 255)  # two builds of libjpeg round apart


def test_qualities_are_whole_numbers_of_the_range(crop):
  own = [jpeg(area(crop, 4), quality).numpy() for quality in (40, 41, 42)]
  drawn = {next(number for number, each in enumerate(own) if np.array_equal(each, found))
           for found in (degraded_low_resolution(crop, 4, seed, jpeg_quality=(40, 42), **{**NONE, "jpeg_probability": 1})
                         for seed in range(20))}
  assert drawn == {0, 1, 2}


# All together


def test_the_four_are_there_half_of_the_time():
  """On a grey edge between two even halves, which tells blur, noise and JPEG apart: by the probabilities one by one."""
  image = np.full((16, 16, 3), 0.25, np.float32)
  image[:, 7:] = 0.75  # not on the grid of the blocks
  plain = area(image, 2).numpy()
  strong = {"gaussian_sigma_px": (2, 3), "motion_length_px": (5, 9), "noise_std_unit": (0.05, 0.06), "jpeg_quality": (5, 9)}
  run = tf.function(lambda seed, name: degraded_low_resolution(image, 2, seed, **strong, **{**NONE, name: 0.5}))
  for name in NONE:
    seen = np.mean([not np.array_equal(run(tf.constant(seed), name), plain) for seed in range(100)])
    assert 0.35 < seen < 0.65, name


@pytest.mark.parametrize("down", ["area", "bicubic"])
def test_the_same_seed_gives_the_same_image_in_every_mode(down, crop):
  def degrade(image, seed):
    return degraded_low_resolution(image, 4, seed, down, peak_photons=(50, 500))

  eager = [degrade(crop, seed).numpy() for seed in range(8)]
  known = tf.function(lambda seed: degrade(crop, seed))
  unknown = tf.function(degrade, input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((), tf.int64)])
  mapped = tf.data.Dataset.range(8).map(lambda seed: degrade(crop, seed), num_parallel_calls=4)
  assert mapped.element_spec.shape == (16, 20, 3)
  for seed, image, from_data in zip(range(8), eager, mapped):
    assert image.shape == (16, 20, 3) and image.dtype == np.float32
    assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1
    for other in (known(tf.constant(seed)), unknown(crop, seed), degrade(crop, (seed, 0)), from_data):
      # JPEG makes whole levels, and Poisson whole photons, of roundings in the last bit; nothing else may differ.
      assert np.mean(np.abs(other - image) > 1e-5) < 0.02
  for index, image in enumerate(eager):
    assert all(not np.array_equal(image, other) for other in eager[index + 1:])


def test_small_images_and_the_largest_kernels():
  for scale, side in ((8, 8), (1, 1), (2, 2)):
    image = recipes.random_images(side, side, 3)
    found = degraded_low_resolution(image, scale, 0, **dict.fromkeys(NONE, 1.0)).numpy()
    assert found.shape == (side // scale,) * 2 + (3,) and np.isfinite(found).all()


@pytest.mark.parametrize("options, message", [
    ({"scale": 0}, "scale is 0"), ({"down": "nearest"}, "down is 'nearest'"),
    ({"gaussian_sigma_px": (3, 1)}, r"gaussian_sigma_px is \(3, 1\)"), ({"motion_length_px": (0, 3)}, "motion_length_px"),
    ({"jpeg_quality": (40, 101)}, "jpeg_quality"), ({"noise_std_unit": (-1, 0)}, "noise_std_unit"),
    ({"peak_photons": (0, 9)}, "peak_photons"), ({"jpeg_probability": 1.5}, "jpeg_probability is 1.5"),
    ({"image": np.zeros((1, 8, 8, 3), np.float32)}, r"expected floating point \[H, W, 3\] in"),
    ({"image": np.zeros((8, 8, 3), np.uint8)}, "dtype uint8")])
def test_a_wrong_call_names_the_value(options, message):
  with pytest.raises(ValueError, match=message):
    degraded_low_resolution(**{"image": np.zeros((8, 8, 3), np.float32), "scale": 2, "seed": 0, **options})
