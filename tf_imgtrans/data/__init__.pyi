from . import (
    blur as blur,
)
from . import (
    corruptions as corruptions,
)
from . import (
    degradations as degradations,
)
from . import (
    edges as edges,
)
from . import (
    embedded as embedded,
)
from . import (
    folders as folders,
)
from . import (
    labels as labels,
)
from . import (
    pairs as pairs,
)
from . import (
    pipeline as pipeline,
)
from . import (
    resizing as resizing,
)
from . import (
    shards as shards,
)
from . import (
    store as store,
)
from . import (
    weather as weather,
)
