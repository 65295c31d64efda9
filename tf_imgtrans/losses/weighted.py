"""The sum of a method's losses."""

from tf_imgtrans.core.terms import record_terms


def weighted_sum(config, formulas):
  """Sum of weight times loss; one of weight 0 is neither computed nor returned.

  Args:
    config: with a field weight_NAME for each loss.
    formulas: dict of loss name to a function without arguments: -> float32 scalar.
  Returns:
    (float32 scalar, dict of the unweighted terms).
  """
  weights = {name: getattr(config, f"weight_{name}") for name in formulas}
  terms = {name: formula() for name, formula in formulas.items() if weights[name]}
  weighted = {name: weights[name] * term for name, term in terms.items()}
  record_terms(weighted)
  return sum(weighted.values()), terms
