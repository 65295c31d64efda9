"""What a training obeyed: the share of each loss term, and whether its discriminator tells real images from others.

A comparison with a term that does nothing, or with a discriminator that has learnt nothing or everything, says nothing
about the method.
"""

INERT = 0.01  # share of the generator's gradient below which a term does next to nothing
CHANCE, SATURATED = 0.02, 0.98  # of the mean score of real images over that of generated ones


def liveness(run):
  """What a run folder tells: dict of JSON values.

  Args:
    run: Path.
  Returns:
    {"loss": {term: share}, "gradient": {term: share}, "scores": [real, generated]}: means over the validations, and over
    the second half of the training; what the run has not logged is left out.
  """
  from tf_imgtrans.training.run_folder import RunFolder

  records = RunFolder(run).records()
  terms = [record for record in records if record["kind"] == "terms"]
  names = [name for record in terms[:1] for name in record if "/" in name]
  found = {}
  for kind in ("loss", "gradient"):
    shares = {name.split("/")[1]: _mean(record[name] for record in terms) for name in names if name.startswith(f"{kind}/")}
    found |= {kind: shares} if shares else {}
  scored = [record for record in records if record["kind"] == "train" and "real_score" in record]
  if scored:
    later = scored[len(scored) // 2:]
    found["scores"] = [_mean(record[f"{kind}_score"] for record in later) for kind in ("real", "fake")]
  return found


def reasons(rows):
  """Why nothing follows from a comparison of some rows: list of str.

  Args:
    rows: list of table.Result that are compared.
  """
  found = []
  for result in rows:
    for record in result.records:
      scores = record.get("liveness", {}).get("scores")
      if scores and not CHANCE <= abs(scores[0] - scores[1]) <= SATURATED:
        stays = "saturates" if scores[0] > scores[1] + SATURATED else "stays at chance"
        found.append(f"the discriminator of {result.row.title} {stays}: {scores[0]:.2f} for real images, {scores[1]:.2f} "
                     "for generated ones")
        break
  for ablated in (result.row for result in rows if result.row.ablates):
    for result in rows:
      shares = [record.get("liveness", {}).get("gradient", {}).get(ablated.ablates) for record in result.records]
      shares = [share for share in shares if share is not None]
      if shares and _mean(shares) < INERT:
        found.append(f"{ablated.ablates} has {_mean(shares):.2%} of the gradient of {result.row.title}: it does nothing")
  return found


def _mean(values):
  values = list(values)
  return sum(values) / len(values)
