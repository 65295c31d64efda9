from . import (
    classical as classical,
)
from . import (
    dped as dped,
)
from . import (
    johnson as johnson,
)
from . import (
    on_demand as on_demand,
)
from . import (
    segmentation as segmentation,
)
from . import (
    srcnn as srcnn,
)
from . import (
    super_resolution as super_resolution,
)
from . import (
    translation as translation,
)
