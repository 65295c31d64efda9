"""Which operations of a TensorFlow graph may run on a stranger's word: those that compute, and touch nothing outside."""

import pathlib

# Operations with a state that lies in the graph alone: variables, tables, control flow, random numbers.
_HARMLESS = frozenset("""
    Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp Case DestroyResourceOp DisableCopyOnRead For HashTableV2
    If LookupTableFindV2 LookupTableImportV2 LookupTableSizeV2 Multinomial MutableHashTableV2 NoOp Placeholder RandomGamma
    RandomPoisson RandomPoissonV2 RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt ReadVariableOp
    ResourceGather ResourceScatterUpdate StatefulPartitionedCall StatefulRandomBinomial StatefulStandardNormalV2
    StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt TruncatedNormal VarHandleOp
    VarIsInitializedOp VariableV2 Variable VariableShape While""".split())
# Operations that TensorFlow counts as stateless although they run code or read files.
_HARMFUL = frozenset("""
    CacheDataset DecodeProtoV2 EncodeProto GenerateVocabRemapping ImmutableConst InitializeTableFromTextFile
    LoadAndRemapMatrix MatchingFiles PyFuncStateless ReadFile RegisterDataset RegisterDatasetV2 SnapshotChunkDataset
    SnapshotDataset SnapshotDatasetV2 XlaCustomCall XlaCustomCallV2""".split())
_DEBUG = "Debug"  # operations of TensorFlow's debugger, which write to addresses
# Of a SavedModel's own saving and restoring; loading here runs neither, as it reads variables itself.
_SAVING = frozenset(("MergeV2Checkpoints", "RestoreV2", "SaveV2"))


def check_saved_model(folder: pathlib.Path) -> None:
  """Raises ValueError where a SavedModel holds operations that reach beyond it; it is read and not loaded."""
  from tf_imgtrans.core.saved_graphs import read_saved_model

  meta = read_saved_model(folder)
  library = {function.signature.name: function.node_def for function in meta.graph_def.library.function}
  saver = meta.saver_def
  saving_nodes = {name.split(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name) if name}
  saving = _reached([node for node in meta.graph_def.node if node.name in saving_nodes], library)
  others = [node for node in meta.graph_def.node if node.name not in saving_nodes]
  others += [node for name, nodes in library.items() if name not in saving for node in nodes]
  saving -= _reached(others, library)
  found = _beyond(others) | {operation for name in saving for operation in _beyond(library[name]) - _SAVING}
  _refuse(folder, found)


def check_frozen_graph(path: pathlib.Path) -> None:
  """Raises ValueError where a frozen graph holds operations that reach beyond it."""
  from tf_imgtrans.core.frozen_graphs import parse_frozen_graph

  graph = parse_frozen_graph(path)
  _refuse(path, _beyond([*graph.node, *(node for function in graph.library.function for node in function.node_def)]))


def _refuse(path, operations):
  if operations:
    raise ValueError(f"{path} holds operations that reach beyond the model, to files, programs or other machines "
                     f"({', '.join(sorted(operations))}), and is not opened. If it comes from someone you trust: --trust, "
                     "or load_model(..., trust=True)")


def _beyond(nodes):
  """The set of operations that are not known to be harmless."""
  return {operation for operation in {node.op for node in nodes} if not _is_harmless(operation)}


def _is_harmless(operation):
  from tensorflow.python.framework import op_def_registry

  if operation in _HARMLESS:
    return True
  defined = op_def_registry.get(operation)
  return (defined is not None and not defined.is_stateful and operation not in _HARMFUL
          and not operation.startswith(_DEBUG))


def _reached(nodes, library):
  """Names of the functions that nodes call, directly or through others: set of str."""
  reached, waiting = set(), list(nodes)
  while waiting:
    node = waiting.pop()
    called = {value.func.name for value in node.attr.values() if value.HasField("func")}
    called |= {each.name for value in node.attr.values() for each in value.list.func}
    called |= {node.op} & library.keys()  # a function may be called like an operation
    for name in (called & library.keys()) - reached:
      reached.add(name)
      waiting += library[name]
  return reached
