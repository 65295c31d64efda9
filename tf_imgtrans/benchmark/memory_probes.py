"""One inference of each format, loading included, for `peak_memory`.

This file is run by its path in a process of its own, without the package, so that the process holds what the runtime needs
and no more. A probe imports its runtime and returns a function of path and image, float32 [1, H, W, 3].
"""


def keras_file(threads):
  """A .keras file, in Keras."""
  tf = _tensorflow(threads)
  import keras

  import tf_imgtrans  # noqa: F401 - registers the classes of the file

  def infer(path, image):
    model = keras.saving.load_model(path, compile=False)
    tf.function(lambda image: model(image, training=False))(tf.constant(image))

  return infer


def saved_model(threads):
  """A SavedModel folder, in TensorFlow."""
  tf = _tensorflow(threads)

  def infer(path, image):
    loaded = tf.saved_model.load(path)
    loaded.signatures["image_float"](image=tf.constant(image))

  return infer


def frozen_graph(threads):
  """A .pb file of TensorFlow 1, in TensorFlow."""
  tf = _tensorflow(threads)

  def infer(path, image):
    graph = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
      graph.ParseFromString(file.read())
    run = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), []).prune("input:0", "output:0")
    run(tf.constant(image))

  return infer


def lite(threads):
  """A .tflite file that takes and gives float32, in the interpreter, which needs no TensorFlow."""
  from ai_edge_litert.interpreter import Interpreter

  def infer(path, image):
    run = Interpreter(model_path=path, num_threads=threads)
    details = run.get_input_details()[0]
    if -1 in details["shape_signature"]:
      run.resize_tensor_input(details["index"], image.shape, strict=True)
    run.allocate_tensors()
    run.set_tensor(details["index"], image)
    run.invoke()

  return infer


def _tensorflow(threads):
  """TensorFlow, started: what its first convolution allocates is its own."""
  import tensorflow as tf

  tf.config.threading.set_intra_op_parallelism_threads(threads)
  tf.function(lambda: tf.nn.conv2d(tf.zeros([1, 8, 8, 3]), tf.zeros([3, 3, 3, 3]), 1, "SAME"))()
  return tf
