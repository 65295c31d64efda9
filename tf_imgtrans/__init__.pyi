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
from .api import evaluate as evaluate
from .api import list_recipes as list_recipes
from .api import predict as predict
from .api import train as train
from .core.saved_models import list_models as list_models
from .recipes import create_generator as create_generator
from .recipes import list_generators as list_generators
from .version import __version__ as __version__
