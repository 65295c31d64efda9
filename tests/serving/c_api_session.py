"""Runs signatures of a SavedModel through TensorFlow's C API, as servers do, in a process without TensorFlow for Python.

Call: c_api_session.py LIBRARY MODEL JOBS.json, a list of {"input": tensor name, "output": tensor name, "file": input,
"result": where the output is written, "kind": "float32" (.npy files) or "string" (the file's bytes are one element)}.
"""

import ctypes
import json
import pathlib
import sys

import numpy as np

FLOAT, STRING, STRING_BYTES = 1, 7, 24  # TF_DataType and sizeof(TF_TString) of tensorflow/c/tf_datatype.h, tf_tstring.h


class Output(ctypes.Structure):
  """TF_Output of c_api.h."""

  _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Api:
  """The functions of the shared library that are used here; a status that is not OK raises."""

  def __init__(self, path):
    self.library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    self.status = self.call("TF_NewStatus", ctypes.c_void_p)

  def call(self, name, result, *arguments):
    """Calls a function; integers are passed as pointers unless they are ctypes numbers."""
    function = getattr(self.library, name)
    function.restype = result
    return function(*[ctypes.c_void_p(item) if isinstance(item, int) or item is None else item for item in arguments])

  def check(self):
    if self.call("TF_GetCode", ctypes.c_int, self.status):
      raise RuntimeError(self.call("TF_Message", ctypes.c_char_p, self.status).decode())

  def load(self, folder):
    self.graph = self.call("TF_NewGraph", ctypes.c_void_p)
    options = self.call("TF_NewSessionOptions", ctypes.c_void_p)
    tags = (ctypes.c_char_p * 1)(b"serve")
    self.session = self.call("TF_LoadSessionFromSavedModel", ctypes.c_void_p, options, None, folder.encode(), tags,
                             ctypes.c_int(1), self.graph, None, self.status)
    self.check()

  def output(self, name):
    operation, _, index = name.partition(":")
    found = self.call("TF_GraphOperationByName", ctypes.c_void_p, self.graph, operation.encode())
    assert found, f"no operation {operation}"
    return Output(found, int(index))

  def tensor(self, kind, shape, size):
    dimensions = (ctypes.c_int64 * max(1, len(shape)))(*shape)
    return self.call("TF_AllocateTensor", ctypes.c_void_p, ctypes.c_int(kind), dimensions, ctypes.c_int(len(shape)),
                     ctypes.c_size_t(size))

  def data(self, tensor):
    return self.call("TF_TensorData", ctypes.c_void_p, tensor)

  def from_array(self, array):
    tensor = self.tensor(FLOAT, array.shape, array.nbytes)
    ctypes.memmove(self.data(tensor), array.ctypes.data, array.nbytes)
    return tensor

  def from_bytes(self, content):
    tensor = self.tensor(STRING, (1,), STRING_BYTES)
    self.call("TF_StringInit", None, self.data(tensor))
    self.call("TF_StringCopy", None, self.data(tensor), content, ctypes.c_size_t(len(content)))
    return tensor

  def to_array(self, tensor):
    rank = self.call("TF_NumDims", ctypes.c_int, tensor)
    shape = [self.call("TF_Dim", ctypes.c_int64, tensor, ctypes.c_int(axis)) for axis in range(rank)]
    size = self.call("TF_TensorByteSize", ctypes.c_size_t, tensor)
    return np.frombuffer(ctypes.string_at(self.data(tensor), size), np.float32).reshape(shape)

  def to_bytes(self, tensor):
    start = self.call("TF_StringGetDataPointer", ctypes.c_void_p, self.data(tensor))
    return ctypes.string_at(start, self.call("TF_StringGetSize", ctypes.c_size_t, self.data(tensor)))

  def run(self, source, target, tensor):
    inputs, outputs = (Output * 1)(self.output(source)), (Output * 1)(self.output(target))
    given, results = (ctypes.c_void_p * 1)(tensor), (ctypes.c_void_p * 1)()
    self.call("TF_SessionRun", None, self.session, None, inputs, given, ctypes.c_int(1), outputs, results, ctypes.c_int(1),
              None, ctypes.c_int(0), None, self.status)
    self.check()
    return results[0]


def main(library, folder, jobs):
  """Runs the jobs, one after the other, in one session."""
  api = Api(library)
  api.load(folder)
  for job in json.loads(pathlib.Path(jobs).read_text()):
    if job["kind"] == "float32":
      result = api.run(job["input"], job["output"], api.from_array(np.ascontiguousarray(np.load(job["file"]))))
      np.save(job["result"], api.to_array(result))
    else:
      try:
        result = api.run(job["input"], job["output"], api.from_bytes(pathlib.Path(job["file"]).read_bytes()))
        pathlib.Path(job["result"]).write_bytes(api.to_bytes(result))
      except RuntimeError as error:
        pathlib.Path(job["result"]).write_text(f"error: {error}")
  assert "tensorflow" not in sys.modules


if __name__ == "__main__":
  main(*sys.argv[1:])
