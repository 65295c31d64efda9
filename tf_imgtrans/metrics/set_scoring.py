"""Metrics of whole sets of images, as `evaluate` reports them: targets against outputs, and against inputs."""

import contextlib
import pathlib

from tf_imgtrans.core.names import unknown_name

SET_METRICS = ("fid", "frechet", "sliced_wasserstein")


def check_feature_options(names, weights):
  """Raises ValueError or FileNotFoundError if the metrics cannot be computed with these weights, before anything starts."""
  if "frechet" in names and weights is None:
    raise ValueError("frechet compares features of a network: name it by --feature_weights PATH, an .h5 of SqueezeNet "
                     "v1.1 or InceptionV3, or a .keras model that returns features")
  if weights is not None and not pathlib.Path(weights).is_file():
    raise FileNotFoundError(f"no feature weights {str(weights)!r}: give --feature_weights the path of an .h5 of SqueezeNet "
                            "v1.1 or InceptionV3, or of a .keras model that returns features")


class SetScores(contextlib.ExitStack):
  """Metrics of sets whose images come one at a time; a context manager, which holds temporary files.

  Args:
    names: some of SET_METRICS.
    count: int, images to come.
    weights: path of the weights of a feature extractor; None lets Keras download InceptionV3 for fid.
    cache: folder where features are kept, or None.
    paired: bool, whether the patches of sliced_wasserstein are cut at the same places of target and output.
  """

  def __init__(self, names, count, weights=None, cache=None, paired=True):
    super().__init__()
    self._paired = paired
    for name in names:
      if name not in SET_METRICS:
        raise unknown_name("metric of sets", name, SET_METRICS)
    self._names, self._extractor = tuple(names), None
    if {"fid", "frechet"} & set(names):
      if count < 2:
        raise ValueError("the part of the data holds 1 image: fid and frechet compare spreads, which need 2 and better "
                         "some thousands; choose another --split")
      self._extractor = _find_extractor(names, weights)
    self._sets = {which: self._make_set(cache, which) for which in ("target", "output", "input")} if names else {}
    self._first = None  # (name, shape)
    self._distances = {}  # of features, which fid and frechet share

  def add(self, name, target, output, source):
    """Adds the three images of one item, float [H, W, 3] in [0, 1].

    Inputs are left out if one has another size than its target.

    Raises:
      ValueError: images of two sizes, with their names.
    """
    if not self._names:
      return
    self._first = self._first or (name, target.shape)
    for what, image in (("target", target), ("output", output)):
      if image.shape != self._first[1]:
        raise ValueError(f"the {what} of {name} is {_size(image.shape)} and the target of {self._first[0]} "
                         f"{_size(self._first[1])} (width x height): {', '.join(self._names)} measure sets of one size; "
                         "crop or resize the images, or leave these metrics out")
    if source.shape != target.shape:
      self._sets.pop("input", None)
    for which, image in (("target", target), ("output", output), ("input", source)):
      for part in self._sets.get(which, {}).values():
        part.add(image)

  def rows(self):
    """dict of metric to its row of the report: protocol, and the values of "input" (None if left out) and "output".

    frechet has the name of its extractor: "frechet_squeezenet".
    """
    rows = {}
    for name in self._names:
      measure = self._wasserstein_row if name == "sliced_wasserstein" else self._feature_row
      row_name, row = measure(name)
      rows[row_name] = {"unit": "", "higher_is_better": False, **row}
    return rows

  def _make_set(self, cache, which):
    from tf_imgtrans.metrics.frechet_inception import FeatureSet
    from tf_imgtrans.metrics.sliced_wasserstein_distance import PatchSet

    made = {}
    if self._extractor is not None:
      made["features"] = FeatureSet(self._extractor, cache)
    if "sliced_wasserstein" in self._names:
      made["patches"] = self.enter_context(PatchSet(stream=int(not self._paired and which != "target")))
    return made

  def _feature_distance(self, which):
    from tf_imgtrans.metrics.frechet_inception import set_distance

    if which not in self._distances:
      self._distances[which] = set_distance(self._sets["target"]["features"], self._sets[which]["features"])
    return self._distances[which]

  def _feature_row(self, name):
    extractor, found = self._extractor, {"input": {"value": None}}
    for which in self._compared():
      result = self._feature_distance(which)
      found[which] = {"value": result[f"frechet_{extractor.name}"]}
    protocol = (f"{extractor.name} features of {extractor.weights}; images rounded to 8 bits, resized: "
                f"{extractor.resize}; {result['images'][0]} targets")
    row = {"protocol": protocol, "extractor": extractor.name, "weights": extractor.weights, "resize": extractor.resize,
           "images": result["images"][0], **found}
    if "note" in result:
      row["note"] = result["note"]
    return ("fid" if name == "fid" else f"frechet_{extractor.name}"), row

  def _wasserstein_row(self, name):
    from tf_imgtrans.metrics.sliced_wasserstein_distance import distances

    found = {"input": {"value": None}}
    for which in self._compared():
      levels = distances(self._sets["target"]["patches"], self._sets[which]["patches"])
      found[which] = {"value": levels.pop("average"), "levels": levels}
    count = self._sets["target"]["patches"].count
    places = "the same places" if self._paired else "places of their own"
    protocol = (f"average of the levels of a Laplacian pyramid; 128 patches of 7x7 per image and level at "
                f"{places} of target and output, 512 directions, seed 0; images rounded to 8 bits; {count} targets")
    return name, {"protocol": protocol, "unit": "x1000", "images": count, **found}

  def _compared(self):
    return [which for which in ("input", "output") if which in self._sets]


def table_lines(name, row):
  """Lines of the table for one row of `SetScores.rows`: yields (name, value of inputs, value of outputs), None for none."""
  for level in row["output"].get("levels", {}):
    yield f"{name}_{level}", row["input"].get("levels", {}).get(level), row["output"]["levels"][level]
  yield name, row["input"]["value"], row["output"]["value"]


def _find_extractor(names, weights):
  from tf_imgtrans.metrics.feature_extractors import find_extractor

  extractor = find_extractor("imagenet" if weights is None else weights)
  if "fid" in names and extractor.name != "inception_v3":
    raise ValueError(f"{weights} is {extractor.name}, and fid is measured with InceptionV3: measure --metrics frechet "
                     f"(reported as frechet_{extractor.name}), or give InceptionV3's weights by --feature_weights")
  return extractor


def _size(shape):
  return f"{shape[1]}x{shape[0]}"
