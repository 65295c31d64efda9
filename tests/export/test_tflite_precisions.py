"""The precisions of TFLite files: what each holds, what is refused and how, and pixels moved by convolutions."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.core.images import read_image
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.export import graph, quantization
from tf_imgtrans.export.flatbuffer import read_lite
from tf_imgtrans.export.parity import FLOOR_DB, Parity, measure_parity, psnr_floor
from tf_imgtrans.export.quantization import Unexportable
from tf_imgtrans.export.tflite import check_builtin, to_tflite
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.papers.mux_demux.generator import Generator
from tf_imgtrans.recipes import create_generator, find_recipe

pytestmark = pytest.mark.export
SIZE = 32


@pytest.fixture(scope="module")
def photograph():
  return read_image(held_out_photograph())


@pytest.fixture(scope="module")
def images(photograph):
  return [photograph[top:top + SIZE, 100:100 + SIZE] for top in (0, 120, 240, 360)]


@pytest.fixture(scope="module")
def plain():
  """A network without normalization, which integers keep."""
  return small_network([keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
                        keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")])


def small_network(layers):
  keras.utils.set_random_seed(3)
  inputs = keras.Input((None, None, 3))
  outputs = inputs
  for layer in layers:
    outputs = layer(outputs)
  return keras.Model(inputs, outputs)


def run(generator):
  return lambda images: generator(images, training=False).numpy()


@pytest.mark.parametrize(("precision", "floor"), [("dynamic_int8", 45), ("int8", 40), ("int16x8", 45)])
def test_integer_precisions_of_a_plain_network(plain, images, photograph, tmp_path, precision, floor):
  size = to_tflite(plain, tmp_path / "m.tflite", precision, SIZE, SIZE, representative=images)
  assert size == (tmp_path / "m.tflite").stat().st_size
  parity = measure_parity(run(plain), load_model(tmp_path / "m.tflite"), images, precision)
  assert parity.psnr_db > floor and parity.within_tolerance, parity
  lite = read_lite(tmp_path / "m.tflite")
  assert [lite.inputs[0].dtype, lite.outputs[0].dtype] == ["FLOAT32", "FLOAT32"]
  kernels = {operation.inputs[1].dtype for operation in lite.operations if operation.name == "CONV_2D"}
  features = {operation.outputs[0].dtype for operation in lite.operations if operation.name == "CONV_2D"}
  assert features == {{"dynamic_int8": "FLOAT32", "int8": "INT8", "int16x8": "INT16"}[precision]}
  assert kernels == ({"FLOAT32"} if precision == "dynamic_int8" else {"INT8"})  # too few for dynamic_int8 to quantize


def test_weights_of_eight_bits_are_a_quarter(tmp_path):
  network = small_network([keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
                           keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
                           keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")])
  sizes = [to_tflite(network, tmp_path / "m.tflite", precision, SIZE, SIZE) for precision in ("float32", "dynamic_int8")]
  assert sizes[0] - sizes[1] > 0.7 * 4 * network.count_params()


def test_integers_in_and_out_have_steps_of_a_255th(plain, images, tmp_path):
  to_tflite(plain, tmp_path / "m.tflite", "int8", SIZE, SIZE, representative=[0.2 + 0.5 * p for p in images],
            integer_io=True)
  lite = read_lite(tmp_path / "m.tflite")
  assert [lite.inputs[0].dtype, lite.outputs[0].dtype] == ["UINT8", "UINT8"]
  step, zero = lite.inputs[0].quantization  # though the images span 0.2 .. 0.7 alone
  assert (step, zero) == (pytest.approx(1 / 255), 0)
  parity = measure_parity(run(plain), load_model(tmp_path / "m.tflite"), images, "int8")
  assert parity.psnr_db > 38, parity


@pytest.mark.parametrize("upsample", ["depth_to_space", "conv"])
def test_convolutions_alone_in_integers_are_nearer_to_the_source(upsample, images, tmp_path):
  generator = create_generator("mux_demux_hp", seed=0, growth_half=4, growth_quarter=4)
  found = {}
  for convolutions_only in (False, True):
    to_tflite(generator, tmp_path / "m.tflite", "int8", SIZE, SIZE, representative=images, upsample=upsample,
              convolutions_only=convolutions_only)
    found[convolutions_only] = measure_parity(run(generator), load_model(tmp_path / "m.tflite"), images, "int8").psnr_db
    kinds = collections.defaultdict(set)
    for operation in read_lite(tmp_path / "m.tflite").operations:
      kernel = max(operation.inputs[1].shape[1:3]) if operation.name in ("CONV_2D", "TRANSPOSE_CONV") else None
      kinds[kernel if kernel else operation.name].add(operation.outputs[0].dtype)
    assert kinds[3] == {"INT8"}
    assert {name: kinds[name] for name in (1, "MEAN", "MUL")} == dict.fromkeys(
        (1, "MEAN", "MUL"), {"FLOAT32" if convolutions_only else "INT8"})
  assert found[True] > found[False] + 8


def test_an_any_size_file_of_integers(plain, images, photograph, tmp_path):
  to_tflite(plain, tmp_path / "m.tflite", "int8", representative=images)
  loaded = load_model(tmp_path / "m.tflite")
  assert measure_parity(run(plain), loaded, [photograph[:40, :52], photograph[:61, :33]], "int8").within_tolerance


def test_sixteen_bits_name_what_they_lack_and_the_way_around(images, tmp_path):
  generator = create_generator("mux_demux_hp", growth_half=4, growth_quarter=4)
  with pytest.raises(Unexportable, match='SPACE_TO_DEPTH, DEPTH_TO_SPACE.*upsample="conv"'):
    to_tflite(generator, tmp_path / "m.tflite", "int16x8", SIZE, SIZE, representative=images)
  assert not list(tmp_path.iterdir())
  to_tflite(generator, tmp_path / "m.tflite", "int16x8", SIZE, SIZE, representative=images, upsample="conv")
  assert load_model(tmp_path / "m.tflite")(images[0][None]).shape == (1, SIZE, SIZE, 3)


def test_a_file_that_stops_the_interpreter_is_refused(images, tmp_path):
  """16-bit pixel normalization of progressive_pan converts, and then ends the process that runs it."""
  generator = create_generator("progressive_pan", input_size=8, output_size=16, channel_base=64)
  with pytest.raises(Unexportable, match="int16x8.*float16 or dynamic_int8"):
    to_tflite(generator, tmp_path / "m.tflite", "int16x8", SIZE, SIZE, representative=images)
  assert not list(tmp_path.iterdir())


def test_computed_weights_are_numbers_in_the_file(tmp_path):
  generator = create_generator("progressive_pan", input_size=8, output_size=16, channel_base=64)
  to_tflite(generator, tmp_path / "m.tflite", height=SIZE, width=SIZE)
  for operation in read_lite(tmp_path / "m.tflite").operations:
    if operation.name in ("CONV_2D", "TRANSPOSE_CONV"):
      assert operation.inputs[0 if operation.name == "TRANSPOSE_CONV" else 1].constant


def test_an_operation_outside_the_built_in_ones_is_named(tmp_path):
  network = small_network([keras.layers.Lambda(lambda x: tf.image.resize(x, (16, 16), "bicubic"),
                                               output_shape=(16, 16, 3))])
  with pytest.raises(Unexportable, match="ResizeBicubic.*bilinear"):
    to_tflite(network, tmp_path / "m.tflite", height=SIZE, width=SIZE)
  assert not list(tmp_path.iterdir())


def test_a_tensor_of_rank_five_is_named(tmp_path):
  network = small_network([keras.layers.Conv2D(12, 3, padding="same"), keras.layers.Lambda(
      lambda x: tf.reshape(tf.transpose(tf.reshape(x, (1, SIZE, SIZE, 2, 6)), (0, 3, 1, 2, 4)), (1, 2 * SIZE, SIZE, 6)),
      output_shape=(2 * SIZE, SIZE, 6))])
  with pytest.raises(Unexportable, match="rank 5.*rank 4 at most"):
    to_tflite(network, tmp_path / "m.tflite", height=SIZE, width=SIZE)
  assert not list(tmp_path.iterdir())


def test_custom_operations_are_refused_by_name():
  """A file of another converter, with TensorFlow's own operations allowed."""
  function = tf.function(lambda x: tf.image.resize(x, (8, 8), "bicubic"), input_signature=[tf.TensorSpec((1, 4, 4, 3))])
  converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
  converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
  with pytest.raises(Unexportable, match="FlexResizeBicubic.*bilinear"):
    check_builtin(converter.convert())


@pytest.mark.parametrize(("arguments", "message"), [
    ({"precision": "int8"}, "no representative images"),
    ({"precision": "int16x8", "representative": []}, "no representative images"),
    ({"precision": "int8", "representative": [np.zeros((8, 8, 3), np.float32)]}, r"float32 \(8, 8, 3\): expected"),
    ({"precision": "int8", "representative": [np.zeros((32, 32, 3), np.uint8)]}, "uint8"),
    ({"precision": "int8", "representative": [np.full((32, 32, 3), 255, np.float32)]}, r"255.0: expected \[0, 1\]"),
    ({"precision": "float16", "integer_io": True}, "options of int8"),
    ({"precision": "int8", "integer_io": True, "convolutions_only": True}, "exclude each other"),
    ({"upsample": "convolution"}, "did you mean 'conv'"),
    ({"upsample": "conv", "height": None, "width": None}, "need a fixed size"),
])
def test_wrong_arguments(plain, tmp_path, arguments, message):
  with pytest.raises(ValueError, match=message):
    to_tflite(plain, tmp_path / "m.tflite", **{"height": SIZE, "width": SIZE, **arguments})
  assert not list(tmp_path.iterdir())


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(2, 3))
def test_convolutions_move_pixels_bit_for_bit(height, width, channels, block):
  values = np.random.default_rng(height).normal(size=(1, height * block, width * block, channels)).astype(np.float32)
  down = graph.move_pixels_by_convolution(tf.constant(values), block)
  np.testing.assert_array_equal(down, tf.nn.space_to_depth(values, block))
  np.testing.assert_array_equal(graph.move_pixels_by_convolution(down, block, inverse=True), values)


def test_pixels_of_unknown_size_are_not_moved():
  with pytest.raises(ValueError, match="fixed size"):
    graph.move_pixels_by_convolution(keras.Input((None, None, 3)), 2)


def test_convolutions_in_the_place_of_depth_to_space_give_the_same_bits(images, tmp_path):
  generator = create_generator("mux_demux_hp", seed=2, growth_half=4, growth_quarter=4)
  names = "depth_to_space", "conv"
  for name in names:
    to_tflite(generator, tmp_path / f"{name}.tflite", height=SIZE, width=SIZE, upsample=name)
  counts = [read_lite(tmp_path / f"{name}.tflite").counts() for name in names]
  assert counts[0]["DEPTH_TO_SPACE"] == counts[1]["TRANSPOSE_CONV"] == 2
  assert not {"DEPTH_TO_SPACE", "SPACE_TO_DEPTH"} & set(counts[1])
  outputs = []
  for name in names:
    interpreter = Interpreter(str(tmp_path / f"{name}.tflite"), num_threads=1)
    outputs.append(interpreter.get_signature_runner("image_float")(image=images[0][None])["image"])
  np.testing.assert_array_equal(*outputs)


def test_refusals_are_read_from_messages():
  message = "Quantization to 16x8-bit not yet supported for op: 'SQUARE'.\n" * 2 + "Node number 4 (RSQRT) failed to invoke."
  assert quantization.refused_operations(message) == ["SQUARE", "RSQRT"]
  assert quantization.refused_operations("TF Select ops: Erf, ResizeArea\nDetails:") == ["Erf", "ResizeArea"]
  assert quantization.refused_operations("disk full") == []


def test_the_first_image_spans_the_range():
  given_images = [np.full((2, 3, 3), 0.5, np.float32)] * 2
  first, second = quantization.spanning(given_images)
  assert (first.min(), first.max(), second.min(), second.max()) == (0, 1, 0.5, 0.5)
  assert given_images[0].max() == 0.5  # the caller's image is left as it is


def test_integer_tolerances_by_hand():
  # Errors of equal size add 3.0103 dB: the floor for that drop is the source's own PSNR.
  assert psnr_floor(22.98, 10 * np.log10(2)) == pytest.approx(22.98)
  assert FLOOR_DB == pytest.approx(32.116, abs=1e-3)  # 22.98 - 10 log10(10^0.05 - 1)
  assert Parity(1, 1, 32.2, "int8").within_tolerance and not Parity(1, 1, 32.0, "int8").within_tolerance
  assert Parity(1, 1, 10.0, "int8", 25.0, 24.5).within_tolerance
  assert not Parity(1, 1, 60.0, "int8", 25.0, 24.49).within_tolerance
  said = str(Parity(1, 1, 60.0, "int8", 25.0, 24.4))
  assert "0.5 dB" in said and "OUTSIDE" in said


def test_parity_against_targets_by_hand():
  image = np.zeros((2, 2, 3), np.float32)
  parity = measure_parity(lambda x: x + np.float32(0.1), lambda x: x + np.float32(0.2), [image, image], "int8",
                          [image, image])
  assert parity.source_psnr_db == pytest.approx(20, abs=1e-5)
  assert parity.drop_db == pytest.approx(6.0206, abs=1e-4) and not parity.within_tolerance and parity.photographs == 2
  assert parity.summary()["drop_db"] == parity.drop_db and parity.summary()["within_tolerance"] is False
  with pytest.raises(ValueError, match="2 photographs and 1 targets"):
    measure_parity(lambda x: x, lambda x: x, [image, image], targets=[image])
  with pytest.raises(ValueError, match="shape"):
    measure_parity(lambda x: x, lambda x: x, [image], targets=[image[:1]])


def test_float16_keeps_flat_areas_flat_and_the_network_as_it_was(tmp_path):
  """Of a network whose training keeps the pixels of Mux equal on flat areas: rounded one by one, its weights would not."""
  network = Generator(find_recipe("mux_demux").preset("tiny", network="high_performance", noise="off", border=16,
                                                      equal_sub_pixels=True))
  network(np.zeros((1, 8, 8, 3), np.float32))
  rng, spread = np.random.default_rng(0), {}
  for layer in network._flatten_layers():
    if getattr(layer, "kernel_constraint", None):
      layer.kernel.assign(layer.kernel_constraint(layer.kernel + rng.normal(0, 0.3, layer.kernel.shape)))
  before = network.get_weights()
  flat = np.full((1, 96, 96, 3), [0.2, 0.5, 0.7], np.float32)
  for name, keeps in (("kept", True), ("rounded", False)):
    if not keeps:
      for variable in network.trainable_variables:
        variable.assign(variable.numpy().astype(np.float16))
    to_tflite(network, tmp_path / f"{name}.tflite", "float16" if keeps else "float32")
    out = load_model(tmp_path / f"{name}.tflite")(flat)[0]
    squares = out.reshape(24, 4, 24, 4, 3)[8:-8, :, 8:-8]  # out of reach of the border
    spread[name] = np.ptp(squares, axis=(1, 3)).max()
    if keeps:
      for weights, now in zip(before, network.get_weights()):
        np.testing.assert_array_equal(now, weights)
  assert spread["kept"] < 2e-6 < 2e-5 < spread["rounded"]
