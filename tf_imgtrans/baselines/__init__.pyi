from . import (
    classical as classical,
)
from . import (
    enhancement as enhancement,
)
from . import (
    on_demand as on_demand,
)
from . import (
    segmentation as segmentation,
)
from . import (
    super_resolution as super_resolution,
)
from . import (
    translation as translation,
)
