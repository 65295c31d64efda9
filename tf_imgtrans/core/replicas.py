"""How the batches of a step are shared out."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Part:
  """The part of each global batch that one input pipeline serves."""

  workers: int = 1
  worker: int = 0
  replicas_per_worker: int = 1
