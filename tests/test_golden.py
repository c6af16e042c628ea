"""What the samples become is pinned: byte for byte where it was made, to millimetres elsewhere.

``python tests/test_golden.py`` pins them anew, after a change that is meant to change results.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from hmr_video.assets import get_model_file
from hmr_video.console import Reporter
from hmr_video.evaluate.benchmark import machine
from hmr_video.motion import Motion
from hmr_video.options import Options, PeopleOptions
from hmr_video.pipeline import run

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "samples.npz"
CLIPS = ("one_person", "two_crossing")
EVERY = 10  # frames
# Between processors joints differ by 2 % of their errors.
TOLERANCE = 0.005  # metres, on average


def results(clip: str, landmarks: str) -> list[Motion]:
    return run(ROOT / "samples" / f"{clip}.mp4", Options(PeopleOptions(landmarks=landmarks)), Reporter(quiet=True)).motions


def digest(motions: list[Motion], folder: Path) -> str:
    for number, motion in enumerate(motions):
        motion.save(folder / f"{number}.npz", overwrite=True)
    return hashlib.sha256(b"".join((folder / f"{number}.npz").read_bytes() for number in range(len(motions)))).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("landmarks", ["none", "blazepose"])
@pytest.mark.parametrize("clip", CLIPS)
def test_results_are_those_that_are_pinned(clip: str, landmarks: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    network = "none" if landmarks == "none" else str(request.getfixturevalue("blazepose"))
    pinned = np.load(GOLDEN)
    found = results(clip, network)
    for number, motion in enumerate(found):
        joints = pinned[f"{clip}_{landmarks}_{number}"]
        assert np.linalg.norm(motion.joints3d[::EVERY] - joints, axis=-1).mean() < TOLERANCE
    assert f"{clip}_{landmarks}_{len(found)}" not in pinned
    if str(pinned["machine"]) == str(machine()):
        assert digest(found, tmp_path) == str(pinned[f"{clip}_{landmarks}"])


def main() -> None:
    """Pins the results of this machine."""
    import tempfile

    values: dict[str, np.ndarray] = {"machine": np.array(str(machine()))}
    for clip in CLIPS:
        for landmarks, network in (("none", "none"), ("blazepose", str(get_model_file("blazepose-heavy", Reporter())))):
            found = results(clip, network)
            for number, motion in enumerate(found):
                values[f"{clip}_{landmarks}_{number}"] = motion.joints3d[::EVERY]
            with tempfile.TemporaryDirectory() as folder:
                values[f"{clip}_{landmarks}"] = np.array(digest(found, Path(folder)))
    np.savez_compressed(GOLDEN, **values)


if __name__ == "__main__":
    main()
