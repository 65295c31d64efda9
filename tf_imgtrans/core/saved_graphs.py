"""The file of a SavedModel's graph, read and not loaded."""


def read_saved_model(folder):
  """The MetaGraphDef of a SavedModel folder.

  Raises:
    ValueError: a damaged file, or one beside it that TensorFlow would take in its place.
  """
  from google.protobuf.message import DecodeError
  from tensorflow.core.protobuf import saved_model_pb2

  from tf_imgtrans.core.files import read_bytes

  for other in ("saved_model.cpb", "saved_model.pbtxt"):
    if (folder / other).exists():
      raise ValueError(f"{folder} holds {other} beside saved_model.pb: remove one of the two, as only one can be meant")
  saved = saved_model_pb2.SavedModel()
  try:
    saved.ParseFromString(read_bytes(folder / "saved_model.pb"))
    return saved.meta_graphs[0]
  except (DecodeError, IndexError) as error:
    raise ValueError(f"{folder / 'saved_model.pb'} is damaged: {error}") from error
