"""What a camera does, told by the background: points of a made-up place, seen with noise and strays."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hmr_video.camera.background import Background, Followed, Points
from hmr_video.camera.clip import find_camera, find_path
from hmr_video.camera.path import Path
from hmr_video.camera.scale import Walker, metric_scale
from hmr_video.camera.thumbnail import SIDE
from hmr_video.geometry import world_metrics as wm

COUNT, RATE, FOCAL = 90, 30.0, 1.1
SMALL = (SIDE, 270)


def seen(
    turns: np.ndarray, centres: np.ndarray, focals: np.ndarray, depth: tuple[float, float] = (3.0, 12.0), count: int = 1500
) -> Followed:
    """Points around cameras (world from camera) as they would be followed: each as long as it is in the picture."""
    dice = np.random.default_rng(3)
    directions = dice.normal(size=(count, 3))
    points = directions / np.linalg.norm(directions, axis=1, keepdims=True) * dice.uniform(*depth, (count, 1))
    names, pixels, counts = [], [], []
    for turn, centre, focal in zip(turns, centres, focals, strict=True):
        local = (points - centre) @ turn
        projected = local[:, :2] / np.maximum(local[:, 2:], 1e-6) * focal * SIDE
        inside = (local[:, 2] > 0.1) & (np.abs(projected) < np.array(SMALL) / 2).all(1)
        chosen = np.flatnonzero(inside)
        noisy = projected[chosen] + dice.normal(0, 0.2, (len(chosen), 2))
        noisy[chosen % 15 == 0] += 6 * np.sin(len(counts) / 9)  # something else moves
        names.append(chosen)
        pixels.append(noisy)
        counts.append(len(chosen))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Followed(np.arange(COUNT), starts, np.concatenate(names), np.concatenate(pixels).astype(np.float32), SMALL)


def swing(degrees: float) -> np.ndarray:
    angles = degrees * np.sin(np.linspace(0, 3, COUNT))
    return Rotation.from_euler("yx", np.stack([angles, 0.2 * angles], 1), degrees=True).as_matrix()


def still(focal: float = FOCAL) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((COUNT, 3)), np.full(COUNT, focal)


def test_a_camera_that_stands() -> None:
    path = find_path(seen(np.tile(np.eye(3), (COUNT, 1, 1)), *still()), RATE, 1.2)
    assert path.kind == "still"
    assert (path.turns == np.eye(3)).all()


def test_a_photograph_has_a_camera_that_stands() -> None:
    names, pixels = seen(np.eye(3)[None], *(values[:1] for values in still())).frame(0)
    assert find_path(Followed(np.zeros(1, int), np.array([0, len(names)]), names, pixels, SMALL), 1.0, 1.2).kind == "still"


def test_a_camera_that_turns_tells_its_focal_length() -> None:
    turns = swing(25)
    path = find_path(seen(turns, *still()), RATE, 1.4)
    assert path.kind == "turning"
    assert path.focal_observed
    assert path.focals[0] == pytest.approx(FOCAL, rel=0.01)
    assert wm.rotation_error(path.turns, turns).max() < 0.15
    assert not path.centres.any()


def test_a_long_lens_that_turns_a_little_tells_its_focal_length() -> None:
    turns = swing(16)
    path = find_path(seen(turns, *still(2.3), count=6000), RATE, 1.2)
    assert path.focals[0] == pytest.approx(2.3, rel=0.02)
    assert wm.rotation_error(path.turns, turns).max() < 0.15


def test_a_camera_that_goes_a_little_moves() -> None:
    centres = np.stack([np.zeros(COUNT), np.zeros(COUNT), np.linspace(0, 0.4, COUNT)], 1)
    path = find_path(seen(swing(15), centres, np.full(COUNT, FOCAL)), RATE, 1.2)
    assert path.kind == "moving"
    assert np.linalg.norm(wm.laid_over(path.centres, centres, slice(None)) - centres, axis=1).max() < 0.03


@pytest.mark.parametrize(("speed", "kind"), [(0.0, "still"), (1.5, "unknown")])
def test_few_points_tell_that_a_camera_rests_and_not_how_it_turns(speed: float, kind: str) -> None:
    corners = np.array([[-60.0, 0], [-20, 30], [20, -30], [60, 0], [-40, 50], [0, -60], [30, 70], [-80, -20]])
    pixels = corners + np.arange(COUNT)[:, None, None] * [speed, 0]
    starts, names = np.arange(COUNT + 1) * len(corners), np.tile(np.arange(len(corners)), COUNT)
    followed = Followed(np.arange(COUNT), starts, names, pixels.reshape(-1, 2).astype(np.float32), SMALL)
    assert find_path(followed, RATE, 1.2).kind == kind


def test_a_camera_that_zooms() -> None:
    focals = FOCAL * np.exp(0.3 * np.sin(np.linspace(0, 4, COUNT)))
    path = find_path(seen(swing(15), np.zeros((COUNT, 3)), focals), RATE, 1.2)
    assert path.kind == "turning"
    np.testing.assert_allclose(path.focals / path.focals[0], focals / focals[0], rtol=0.005)


def test_a_camera_that_moves() -> None:
    turns = swing(10)
    centres = np.stack([np.linspace(0, 1.5, COUNT), 0.1 * np.sin(np.linspace(0, 6, COUNT)), np.linspace(0, 0.5, COUNT)], 1)
    path = find_path(seen(turns, centres, np.full(COUNT, FOCAL)), RATE, 1.2)
    assert path.kind == "moving"
    assert wm.rotation_error(path.turns, turns).max() < 0.5
    assert np.linalg.norm(wm.laid_over(path.centres, centres, slice(None)) - centres, axis=1).max() < 0.05


def test_a_hand_that_shakes_while_it_moves() -> None:
    seconds = np.arange(COUNT) / RATE
    centres = np.stack([0.5 * seconds, 0.02 * np.sin(2 * np.pi * 3 * seconds), np.zeros(COUNT)], 1)
    path = find_path(seen(swing(10), centres, np.full(COUNT, FOCAL), (2.0, 8.0)), RATE, 1.2)
    laid = wm.laid_over(path.centres, centres, slice(None))
    assert path.kind == "moving"
    assert np.corrcoef(np.diff(laid[:, 1]), np.diff(centres[:, 1]))[0, 1] > 0.9
    np.testing.assert_allclose((laid[4] - laid[0])[0], (centres[4] - centres[0])[0], rtol=0.25)


def test_points_that_agree_on_nothing_tell_nothing() -> None:
    dice = np.random.default_rng(0)
    names = np.tile(np.arange(60), COUNT)
    walks = dice.normal(0, 3, (COUNT, 60, 2)).cumsum(0).reshape(-1, 2).astype(np.float32)
    followed = Followed(np.arange(COUNT), np.arange(COUNT + 1) * 60, names, walks, SMALL)
    assert find_path(followed, RATE, 1.2).kind == "unknown"


def test_pictures_without_texture_count_as_still_and_blind() -> None:
    background = Background(RATE)
    for number in range(10):
        background.update(number, np.full((180, 320, 3), 128, np.uint8), np.zeros((0, 4)))
    camera = find_camera(background.points.followed(), [], RATE, 1.2, False)
    assert camera.kind == "unknown"
    assert camera.shots[0].blind == 10


def test_points_are_followed_outside_of_people() -> None:
    dice = np.random.default_rng(1)
    wall = np.kron(dice.integers(0, 255, (45, 80), np.uint8), np.ones((8, 8), np.uint8))
    background = Background(RATE)
    for number in range(6):
        frame = np.repeat(np.roll(wall, -3 * number, 1)[..., None], 3, 2)
        background.update(number, frame, np.array([[200.0, 100, 300, 360]]))
    names, pixels = background.points.followed().frame(5)
    first_names, first = background.points.followed().frame(0)
    _, mine, theirs = np.intersect1d(names, first_names, return_indices=True)
    assert len(mine) > 60
    np.testing.assert_allclose(np.median(pixels[mine] - first[theirs], axis=0), [-15 * 480 / 640, 0], atol=0.1)
    x, y = (pixels + np.array([240, 135])).T
    assert not ((x > 150) & (x < 225) & (y > 75)).any()


def test_points_are_carried_by_a_pan_and_not_across_a_cut() -> None:
    dice = np.random.default_rng(1)
    walls = [np.kron(dice.integers(0, 255, (360 // a, 640 // a), np.uint8), np.ones((a, a), np.uint8)) for a in (8, 20)]
    points = Points()
    for number in range(8):
        points.update(number, np.roll(walls[number // 6], -3 * number, 1), np.zeros((0, 4)))
        if number == 5:
            assert points.carried(0) > 0.8
    assert points.carried(0) < 0.2


def test_faint_patterns_have_no_points() -> None:
    dice = np.random.default_rng(1)
    faint = 128 + np.kron(dice.integers(0, 2, (34, 60), np.uint8), np.ones((8, 8), np.uint8))
    points = Points()
    points.update(0, faint, np.zeros((0, 4)))
    points.update(1, 20 * (faint - 128) + 100, np.zeros((0, 4)))
    followed = points.followed()
    assert len(followed.frame(0)[0]) == 0
    assert len(followed.frame(1)[0]) > 100


def walker(scale: float) -> tuple[Walker, np.ndarray]:
    """Somebody who walks beside a camera that goes a unit of ``scale`` metres a second, on a ground of points."""
    seconds = np.arange(COUNT) / RATE
    centres = np.stack([seconds, np.zeros(COUNT), np.zeros(COUNT)], 1)
    stride = np.floor(seconds * 2)
    phase = (seconds * 2) % 1
    left = np.where(stride % 2 == 0, stride, stride - 1 + 2 * phase) * 0.6
    right = np.where(stride % 2 == 1, stride, stride - 1 + 2 * phase) * 0.6
    feet = np.stack([np.stack([x, np.full(COUNT, 1.5), np.full(COUNT, 5.0)], 1) for x in (left, right)], 1)
    feet = feet - scale * centres[:, None]
    dice = np.random.default_rng(2)
    ground = np.stack([dice.uniform(-3, 6, 300), np.full(300, 1.53 / scale), dice.uniform(4, 6, 300) / scale], 1)
    necks = feet.mean(1) - [0, 1.4, 0]
    return Walker(np.tile(np.eye(3), (COUNT, 1, 1)), centres, feet, necks, seconds), ground


@pytest.mark.parametrize("scale", [0.4, 1.7])
def test_metres_by_the_ground_and_by_feet_that_rest(scale: float) -> None:
    one, ground = walker(scale)
    assert metric_scale([one], ground) == pytest.approx(scale, rel=0.03)
    assert metric_scale([one], np.zeros((0, 3))) == pytest.approx(scale, rel=0.08)


def test_a_path_that_feet_speak_against_has_no_metres() -> None:
    one, ground = walker(1.0)
    rests = np.tile(one.feet.mean(0), (COUNT, 1, 1))  # before the camera, on its ground, as if it stayed
    assert metric_scale([Walker(one.turns, one.centres, rests, one.necks, one.times)], ground) is None


def test_a_camera_that_stays_has_no_metres() -> None:
    one, ground = walker(1.0)
    stays = Walker(one.turns, np.zeros_like(one.centres), one.feet, one.necks, one.times)
    assert metric_scale([stays], ground) is None


def test_every_shot_has_a_path_of_its_own() -> None:
    followed = seen(swing(25), *still())
    camera = find_camera(followed, [40], RATE, FOCAL, True)
    assert [len(shot.frame_ids) for shot in camera.shots] == [40, 50]
    assert camera.kind == "turning"
    stage = camera.stage_from_camera(np.arange(COUNT))
    np.testing.assert_allclose(stage[[0, 40]], np.tile(np.eye(4), (2, 1, 1)), atol=1e-9)
    assert isinstance(camera.shots[0], Path)
