from . import (
    baselines as baselines,
)
from . import (
    benchmark as benchmark,
)
from . import (
    data as data,
)
from . import (
    export as export,
)
from . import (
    inference as inference,
)
from . import (
    layers as layers,
)
from . import (
    losses as losses,
)
from . import (
    metrics as metrics,
)
from . import (
    papers as papers,
)
from . import (
    serving as serving,
)
from .generators import create_generator as create_generator
from .generators import list_generators as list_generators
from .version import __version__ as __version__
