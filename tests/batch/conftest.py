"""Worker processes import the tests' converter by its name, so its folder must be on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
