"""Frozen graphs of TensorFlow 1, as the PIRM 2018 challenge on smartphones has them: one input, one output, known names."""

import pathlib

INPUT, OUTPUT = "input", "output"
DESCRIPTION = "tf_imgtrans"  # name of a constant that nothing uses: our description as JSON


def parse_frozen_graph(path):
  """The GraphDef in a .pb file.

  Args:
    path: str or Path.
  Raises:
    ValueError: a SavedModel's file, a damaged one, or a graph without those names.
  """
  from google.protobuf.message import DecodeError
  from tensorflow.core.framework.graph_pb2 import GraphDef

  path = pathlib.Path(path)
  if path.name == "saved_model.pb":
    raise ValueError(f"{path} is a part of a SavedModel: give its folder")
  graph = GraphDef()
  try:
    graph.ParseFromString(path.read_bytes())
  except DecodeError as error:
    raise ValueError(f"{path} is no frozen graph, or damaged: {error}") from error
  missing = {INPUT, OUTPUT} - {node.name for node in graph.node}
  if missing:
    raise ValueError(f"{path} has no node {' and no node '.join(sorted(missing))}: expected a frozen graph with a "
                     f"placeholder {INPUT!r} and a tensor {OUTPUT!r}, as the PIRM 2018 challenge has them")
  return graph
