"""Fewer keys, and cycles."""

import numpy as np
import pytest
from players import play, read, read_glb

from hmr_video.errors import UsageError
from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import headings, place
from hmr_video.export.loop import looped
from hmr_video.export.resample import resampled
from hmr_video.geometry.skeleton import JOINT_NAMES


@pytest.mark.parametrize(("bound", "share"), [(1.0, 0.27), (10.0, 0.15)])
@pytest.mark.parametrize("root_motion", [False, True])
def test_few_keys_play_within_the_bound(bound, share, root_motion, steps, body, tmp_path):
    dense = resampled(steps, 100.0, steps.timestamps[0])  # four frames for one, which say nothing new
    options = ExportOptions(frame_rate=100.0, reduce=bound, rig="mixamo", root_motion=root_motion)
    file = read_glb(export([steps], body, tmp_path, ["glb"], options)[0])
    counts = [len(read(file, sampler.input)) for sampler in file.animations[0].samplers]
    assert min(counts) == 2  # of bones that keep still
    assert np.mean(counts) < share * len(dense)
    _, _, posed = play(file, 0, at=dense.timestamps - dense.timestamps[0])
    errors = np.linalg.norm(posed - np.stack(list(place(dense, body).vertices())), axis=-1)
    assert errors.max() < 1.5 * bound / 1000  # the bound holds about the bones; some flesh is farther from them


def test_a_cycle_is_found_and_closed(steps, body):
    cycle = looped(steps, body)
    cycles = (cycle.timestamps[-1] - cycle.timestamps[0]) / (2 / 3)
    assert cycles == pytest.approx(round(cycles), abs=0.08)
    np.testing.assert_allclose(cycle.joints3d[3], steps.joints3d[cycle.frame_ids[3] - steps.frame_ids[0]], atol=1e-4)
    own, before = _at_home(cycle, body), _at_home(steps, body)
    np.testing.assert_allclose(own[0], own[-1], atol=1e-5)
    jerks = [np.linalg.norm(np.diff(places, n=2, axis=0), axis=-1).max() for places in (np.concatenate([own, own[1:]]), before)]
    assert jerks[0] < 1.3 * jerks[1]


def test_what_does_not_repeat_is_said_so(steps, body, tmp_path):
    rising = steps.poses.copy()
    rising[:] = rising[0]
    rising[:, 3 * JOINT_NAMES.index("left_shoulder")] = np.linspace(0, 2, len(rising))
    with pytest.raises(UsageError, match="repeats"):
        export([steps.replace(poses=rising)], body, tmp_path, ["glb"], ExportOptions(loop=True))
    assert not list(tmp_path.iterdir())


def _at_home(motion, body):
    """(T, 24, 3) joints as seen from above the person's own place and heading."""
    actor = place(motion, body)
    return (actor.joints - actor.pelvis[:, None] * [1, 0, 1]) @ headings(actor.rotations[:, 0])


def test_another_rate_shows_the_sharp_moments(motion, body):
    """A hand that turns back at once, between two frames of the new rate."""
    joints, times = motion.joints3d.copy(), motion.timestamps - motion.timestamps[0]
    away = np.abs(times - times[7])
    joints[:, 20, 0] = joints[:, 0, 0] + 2 * away
    sharp = motion.replace(joints3d=joints)
    coarse = resampled(sharp, 10.0, motion.timestamps[0])
    reach = coarse.joints3d[:, 20, 0] - coarse.joints3d[:, 0, 0]
    assert reach.min() == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(np.diff(coarse.timestamps), 0.1)


def test_the_cameras_path_is_resampled_and_cut_with_the_person(steps, body):
    turns = np.tile(np.diag([1.0, -1, -1, 1]), (len(steps), 1, 1))
    turns[:, 0, 3] = steps.timestamps
    moving = steps.replace(world_from_camera=turns, zoom=1 + steps.timestamps)
    other = resampled(moving, 17.0, steps.timestamps[0])
    np.testing.assert_allclose(other.world_from_camera[:, 0, 3], other.timestamps, atol=0.03)
    np.testing.assert_allclose(other.world_from_camera[:, :3, :3], np.tile(turns[0, :3, :3], (len(other), 1, 1)), atol=1e-6)
    np.testing.assert_allclose(other.zoom, 1 + other.timestamps, atol=0.03)
    cycle = looped(moving, body)
    np.testing.assert_allclose(cycle.world_from_camera[:, 0, 3], cycle.timestamps, atol=1e-6)
