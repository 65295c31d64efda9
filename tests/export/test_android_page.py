"""notebooks/android.md, followed literally: its Kotlin arithmetic runs exported files on a photograph."""

import functools
import importlib
import shlex

import numpy as np
import pytest
from android_client import Enhancer, arithmetic, blocks, frame, get_pixels, shown, table
from hypothesis import given
from hypothesis import strategies as st
from kotlin_arithmetic import load
from recipes import ROOT

from tf_imgtrans.cli.export import _sizes
from tf_imgtrans.cli.main import COMMANDS, main
from tf_imgtrans.core.images import read_image, to_uint8
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.export.inspection import inspect_model
from tf_imgtrans.export.metadata import read_description
from tf_imgtrans.export.tflite import to_tflite
from tf_imgtrans.inference.receptive_field import receptive_field
from tf_imgtrans.inference.tiles import FEATHER, parts
from tf_imgtrans.recipes import create_generator

HEIGHT, WIDTH = 96, 128
TILE = 64


@pytest.fixture(scope="module")
def kotlin():
  return arithmetic()


@pytest.fixture(scope="module")
def photograph():
  """uint8 [96, 128, 3] with the face of the held-out photograph."""
  return to_uint8(read_image(held_out_photograph()))[40:40 + HEIGHT, 150:150 + WIDTH]


@pytest.fixture(scope="module")
def networks():
  """One of a finite field and one that normalizes. The first weights of SRCNN are so small that it gives grey."""
  srcnn, random = create_generator("srcnn", seed=1), np.random.default_rng(1)
  srcnn.set_weights([random.normal(0, 1 / np.sqrt(np.prod(weights.shape[:-1])), weights.shape) if weights.ndim == 4
                     else weights for weights in srcnn.get_weights()])
  return {"srcnn": srcnn, "mux_demux_hp": create_generator("mux_demux_hp", seed=4, growth_half=4, growth_quarter=4)}


@pytest.fixture(scope="module")
def exported(networks, photograph, tmp_path_factory):
  """(network, precision, height, width, **options) -> path of a file, made once."""
  folder = tmp_path_factory.mktemp("lite")
  unit = photograph.astype(np.float32) / 255

  @functools.cache
  def make(name, precision="float32", height=None, width=None, **options):
    path = folder / f"{name}_{precision}_{height}x{width}_{'_'.join(map(str, options.values()))}.tflite"
    images = None if height is None else [unit[:height, :width], unit[-height:, -width:]]
    to_tflite(networks[name], path, precision, height, width, representative=images, **options)
    return path

  return make


def source_image(network, image):
  """What the Keras network makes of uint8 [H, W, 3], as uint8."""
  return to_uint8(network(image[None].astype(np.float32) / 255, training=False).numpy()[0])


def differences(a, b):
  return np.abs(a.astype(int) - b.astype(int))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_camera_frame_becomes_the_upright_image(kotlin, photograph, degrees):
  image = photograph[:40, :50]
  pixels = kotlin["rgbaToArgb"](*frame(image, degrees), degrees)
  assert pixels == get_pixels(image)


def test_floats_and_bytes_go_both_ways(kotlin, photograph):
  pixels = get_pixels(photograph[:30, :30])
  tensor = kotlin["argbToTensor"](pixels)
  np.testing.assert_array_equal(tensor, photograph[:30, :30].astype(np.float32).ravel() / np.float32(255))
  assert kotlin["tensorToArgb"](tensor) == pixels
  assert kotlin["tensorToArgb"](kotlin["bytesToTensor"](kotlin["tensorToBytes"](tensor), np.float32(1 / 255), 0)) == pixels
  wild = np.float32([-0.3, 0.0019, 0.002, 0.9981, 1.7, 0.5])
  assert [kotlin["toByte"](value) for value in wild] == to_uint8(wild).tolist() == [0, 0, 1, 255, 255, 128]


@pytest.mark.export
@pytest.mark.parametrize("name", ["srcnn", "mux_demux_hp"])
def test_from_the_camera_to_the_screen_by_float32(kotlin, networks, exported, photograph, name):
  enhancer = Enhancer(exported(name, "float32", HEIGHT, WIDTH))
  tensor = kotlin["argbToTensor"](kotlin["rgbaToArgb"](*frame(photograph, 90), 90))
  seen = shown(kotlin["tensorToArgb"](enhancer.run(tensor)), HEIGHT, WIDTH)
  expected = source_image(networks[name], photograph)
  assert expected.std() > 5 and differences(seen, expected).max() <= 1
  assert differences(seen, expected[..., ::-1]).max() > 20  # exchanged colours would be seen


@pytest.mark.export
@pytest.mark.parametrize(("precision", "largest"), [("float16", 2), ("dynamic_int8", 12)])
def test_from_the_screen_to_the_screen_by_smaller_weights(kotlin, networks, exported, photograph, precision, largest):
  enhancer = Enhancer(exported("srcnn", precision, HEIGHT, WIDTH))
  seen = shown(kotlin["tensorToArgb"](enhancer.run(kotlin["argbToTensor"](get_pixels(photograph)))), HEIGHT, WIDTH)
  assert differences(seen, source_image(networks["srcnn"], photograph)).max() <= largest


@pytest.mark.export
def test_integers_in_and_out(kotlin, networks, exported, photograph):
  enhancer = Enhancer(exported("srcnn", "int8", HEIGHT, WIDTH, integer_io=True))
  tensor = kotlin["argbToTensor"](kotlin["rgbaToArgb"](*frame(photograph, 270), 270))
  seen = shown(kotlin["tensorToArgb"](enhancer.run_bytes(tensor)), HEIGHT, WIDTH)
  found = differences(seen, source_image(networks["srcnn"], photograph))
  assert found.mean() < 2 and found.max() <= 12


@pytest.mark.export
def test_a_file_of_any_size_is_resized_before_its_tensors_are_made(kotlin, networks, exported, photograph):
  path = exported("srcnn")
  assert Enhancer(path, (HEIGHT, WIDTH)).shape == (1, HEIGHT, WIDTH, 3)
  image = photograph[:61, :83]
  made = Enhancer(path, (61, 83)).run(kotlin["argbToTensor"](get_pixels(image)))
  assert differences(shown(kotlin["tensorToArgb"](made), 61, 83), source_image(networks["srcnn"], image)).max() <= 1


@given(st.data())
def test_tiles_lie_and_blend_as_on_the_computer(data):
  kotlin = arithmetic()
  period = data.draw(st.sampled_from([1, 2, 4]))
  tile = period * data.draw(st.integers(4, 16))
  overlap = data.draw(st.integers(0, tile - period))
  margin = data.draw(st.integers(0, overlap // 2))
  length = data.draw(st.integers(tile + 1, 5 * tile))
  expected = parts(length, tile, overlap, margin, period)
  starts = kotlin["tileStarts"](length, tile, overlap, period)
  assert starts == [start for start, _ in expected]
  for k, (_, weights) in enumerate(expected):
    np.testing.assert_allclose(kotlin["tileWeights"](starts, k, tile, overlap, margin), weights, atol=1e-5)


@pytest.mark.export
def test_tiles_of_a_finite_field_give_the_whole_image(kotlin, networks, exported, photograph):
  field = receptive_field(networks["srcnn"])
  enhancer = Enhancer(exported("srcnn", "float32", TILE, TILE))
  made = kotlin["enhanceTiled"](get_pixels(photograph), WIDTH, HEIGHT, TILE, TILE, 1, 2 * field.radius + FEATHER,
                                field.radius, field.period, enhancer.run)
  assert differences(shown(made, HEIGHT, WIDTH), source_image(networks["srcnn"], photograph)).max() <= 1


def test_the_pages_question_for_the_field(networks, tmp_path, monkeypatch, capsys):
  (tmp_path / "runs" / "mine").mkdir(parents=True)
  (tmp_path / "runs" / "mine" / "run.json").write_text("{}")
  networks["srcnn"].save(tmp_path / "runs" / "mine" / "generator.keras")
  monkeypatch.chdir(tmp_path)
  question, = blocks("python")
  exec(question, {})
  assert question.rstrip().endswith(f"# {capsys.readouterr().out.strip()} of srcnn")


@pytest.mark.export
def test_tiles_by_integers_are_near_the_whole_image(kotlin, networks, exported, photograph):
  enhancer = Enhancer(exported("srcnn", "int8", TILE, TILE, integer_io=True))
  made = kotlin["enhanceTiled"](get_pixels(photograph), WIDTH, HEIGHT, TILE, TILE, 1, 32, 8, 1, enhancer.run_bytes)
  found = differences(shown(made, HEIGHT, WIDTH), source_image(networks["srcnn"], photograph))
  assert found.mean() < 2 and found.max() <= 12


@pytest.mark.export
def test_tiles_of_a_normalized_network_have_no_seams_but_other_tones(kotlin, networks, exported, photograph):
  network = networks["mux_demux_hp"]
  assert not receptive_field(network).finite
  enhancer = Enhancer(exported("mux_demux_hp", "float32", TILE, TILE, noise="off"))
  whole = Enhancer(exported("mux_demux_hp", "float32", HEIGHT, WIDTH, noise="off"))
  pixels = get_pixels(photograph)
  expected = shown(kotlin["tensorToArgb"](whole.run(kotlin["argbToTensor"](pixels))), HEIGHT, WIDTH)
  found = {}
  for overlap, margin in ((0, 0), (32, 8)):
    made = kotlin["enhanceTiled"](pixels, WIDTH, HEIGHT, TILE, TILE, 1, overlap, margin, 4, enhancer.run)
    found[overlap] = shown(made, HEIGHT, WIDTH).astype(int) - expected.astype(int)
  assert 4 < np.abs(found[32]).mean() < 12  # the page says about 9
  # A seam is a step of the error from one column to the next, beside the steps that are there anyway.
  steps = {overlap: np.abs(np.diff(error, axis=1)).mean(axis=(0, 2)) for overlap, error in found.items()}
  seam = {overlap: step[TILE - 32:TILE + 32].max() / np.median(step) for overlap, step in steps.items()}
  assert seam[0] > 4 and seam[32] < 2, seam


def test_tiles_of_an_enlarging_network_lie_in_place(kotlin, photograph):
  def run(tensor):  # each pixel four times
    return np.repeat(np.repeat(tensor.reshape(16, 24, 3), 2, axis=0), 2, axis=1).ravel()

  image = photograph[:37, :55]  # no multiple of the period: mirrored at the right and the bottom
  made = kotlin["enhanceTiled"](get_pixels(image), 55, 37, 16, 24, 2, 8, 2, 4, run)
  np.testing.assert_array_equal(shown(made, 74, 110), image.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.export
def test_the_table_of_what_each_file_expects(exported):
  rows = table("options")
  assert [row[0] for row in rows] == [f"`--precision {name}`" for name in (
      "float32", "float16", "dynamic_int8", "int8", "int8 --convolutions_only", "int8 --integer_io", "int16x8")]
  for options, dtype_in, dtype_out, values, integers in rows:
    words = options.strip("`").split()
    path = exported("srcnn", words[1], 32, 32, **{word.strip("-"): True for word in words[2:]})
    described = read_description(path)
    assert [described[side]["dtype"] for side in ("input", "output")] == [dtype_in, dtype_out]
    assert described["value_range"] == [0, 1] and described["precision"] == words[1]
    steps = [(described[side].get("step"), described[side].get("zero_point")) for side in ("input", "output")]
    if integers == "none":
      assert values == "0 to 1" and steps == [(None, None)] * 2
    else:
      assert (values, integers) == ("0 to 255", "input: step 1/255, zero point 0; output: its own step and zero point")
      assert steps[0] == (pytest.approx(1 / 255, rel=1e-6), 0)
      assert steps[1][0] < 0.9 / 255  # of a network whose brightest output is no white


@pytest.mark.export
def test_the_table_of_the_description_names_every_field(exported):
  path = exported("mux_demux_hp", "float32", TILE, TILE, noise="off")
  described = read_description(path)
  named = [name.strip(" `") for row in table("field") for name in row[0].split(",")]
  assert sorted(named) == sorted(described)
  assert (described["layout"], described["channel_order"], described["noise"]) == ("NHWC", "RGB", "off")
  assert described["signatures"] == ["image_float"] and inspect_model(path)["metadata"] == described
  assert read_description(exported("srcnn", "float32", 32, 32))["noise"] == "none"


def test_the_commands_of_the_page_are_parsed(monkeypatch):
  lines = [line for block in blocks("sh") for line in block.splitlines()]
  assert sum(line.startswith("tf-imgtrans export tflite ") for line in lines) >= 5
  calls = []
  for line in lines:
    program, *arguments = shlex.split(line)
    assert program == "tf-imgtrans"
    target, words = COMMANDS, list(arguments)
    while isinstance(target, dict):
      target = target[words.pop(0)][0]
    module, function = target.split(":")
    module = importlib.import_module(f"tf_imgtrans.cli.{module}")
    heard = functools.wraps(getattr(module, function))(lambda **given: calls.append(given))
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stopped:
      patch.setattr(module, function, heard)
      main(arguments)
    assert not stopped.value.code, line
  assert len(calls) == len(lines)
  assert _sizes(None, None, calls[0]["sizes"]) == [(720, 1280), (1280, 720), (512, 512)]


def test_the_page_is_linked():
  assert "notebooks/android.md" in (ROOT / "README.md").read_text()
  assert "android.md" in (ROOT / "notebooks" / "README.md").read_text()


def test_plain_kotlin_is_read_as_kotlin_has_it():
  found = load("fun f(a: Int, b: Int): Int = a / b - a % b * 2\n"
               "fun g(a: Int): Int = 1 shl a + 1 or 2 // named operators come after sums\n"
               "fun h(a: Float): Int { var n = 0\n while (n < 5 && a > 0f) { n += 1 }\n"
               "return if (a < 0f) -n - 1 else n }\n"
               "fun b(a: Int): Int { val from = a.toByte()\n return from.toInt() }")
  assert (found["f"](-7, 2), found["g"](3), found["g"](30)) == (-1, 18, 2 - 2 ** 31)
  assert (found["h"](np.float32(2)), found["h"](np.float32(-2)), found["b"](200)) == (5, -1, -56)
  for wrong in ("fun f(a: Long): Int = a", "fun f(): Int = listOf(1).map { it }", "class A", "fun f(): Int = 1 $ 2"):
    with pytest.raises(SyntaxError):
      load(wrong)
