"""Clips filmed in the world, and their truth."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from hmr_video.body import load_body
from hmr_video.console import Reporter
from hmr_video.errors import InputError, NobodyFoundError
from hmr_video.evaluate.world import WorldTrack, _recordings, compare_in_world, evaluate_world, truth_of
from hmr_video.options import Options
from hmr_video.synth.film.world_clips import CAMERAS, SIZE, WorldClip, world_clip


def clip(camera: str, seed: int = 0) -> WorldClip:
    recording = next(_recordings(1, 0, None))
    return world_clip(camera, load_body(), recording.rotations[:12], recording.trans[:12], (seed,))


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_person_is_in_the_picture_and_stands_on_the_floor(camera: str) -> None:
    filmed = clip(camera)
    truth = truth_of(filmed, load_body())
    inverse = np.linalg.inv(truth.world_from_camera)
    local = np.einsum("tab,tjb->tja", inverse[:, :3, :3], truth.joints) + inverse[:, None, :3, 3]
    pixels = local[..., :2] / local[..., 2:] * filmed.camera_matrices[:, None, :1, 0] + np.array(SIZE) / 2
    assert (pixels[:, 0] > 0).all()
    assert (pixels[:, 0] < SIZE).all()
    assert abs(np.median(truth.soles[..., 1].min(1))) < 0.05
    moves = np.ptp(filmed.world_from_camera, axis=0)
    assert moves[:3, 3].any() == (camera in ("dolly", "orbit", "walk along"))
    assert moves[:3, :3].any() == (camera != "still")


def test_the_same_seed_films_the_same() -> None:
    first, again = (next(islice(clip("pan").film(load_body()), 1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.std() > 10


def test_a_truth_compared_with_itself() -> None:
    truth = truth_of(clip("walk along"), load_body())
    scores = compare_in_world(truth, truth)
    assert scores["coverage"] == 1
    for name in ("wa_mpjpe", "w_mpjpe", "rotation", "rotation_drift"):
        assert scores[name] == pytest.approx(0, abs=1e-3)
    assert np.isnan(scores["root_translation"])  # nobody goes a metre in 12 frames
    gone = replace(truth, joints=truth.joints + np.linspace(0, 2, 12)[:, None, None])
    assert compare_in_world(gone, gone)["root_translation"] == pytest.approx(0, abs=1e-3)
    with pytest.raises(InputError):
        compare_in_world(truth, replace(truth, frame_ids=truth.frame_ids + 100))


def test_a_clip_in_which_nobody_is_found_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*args: object, **kwargs: object) -> None:
        raise NobodyFoundError("Nobody.", "")

    monkeypatch.setattr("hmr_video.pipeline.run", nobody)
    monkeypatch.setattr(WorldClip, "save", lambda *args: None)
    [(name, scores)] = evaluate_world(1, 0, Options(world=True), Reporter(quiet=True))
    assert "nobody found" in name
    assert scores["coverage"] == 0
    assert np.isnan(scores["w_mpjpe"])


def test_a_result_without_a_world_cannot_be_compared() -> None:
    from hmr_video.assets import sample_clips
    from hmr_video.motion import Motion

    file = next(sample_clips()[0].parent.glob("*.npz"))
    motion = Motion.load(file).replace(world_from_camera=None)
    with pytest.raises(InputError):
        WorldTrack.from_motion(motion, load_body())
