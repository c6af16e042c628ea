"""What the tests of motion capture share: the foreign skeletons in `foreign`, and the open body at rest."""

import sys
from pathlib import Path

import numpy as np
import pytest

from hmr_video.body import Body

sys.path.insert(0, str(Path(__file__).parent))  # for foreign


@pytest.fixture(scope="session")
def own(body: Body) -> np.ndarray:
    """(24, 3) its joints."""
    return body.joint_template.double().numpy()
