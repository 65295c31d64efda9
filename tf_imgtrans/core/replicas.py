"""How the batch of a step is divided among workers and replicas."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Part:
  """The part of each global batch that one input pipeline provides."""

  workers: int = 1
  worker: int = 0
  replicas_per_worker: int = 1
