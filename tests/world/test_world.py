"""Levelling, on made-up people who walk on a known floor before a camera that is not level."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.geometry.cameras import project
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.motion import Motion
from hmr_video.people import Track
from hmr_video.reconstruction.bodies import motion_of
from hmr_video.reconstruction.person import Estimate, Person
from hmr_video.reconstruction.quality import residuals
from hmr_video.world.feet import Soles, sole_points, soles
from hmr_video.world.floor import Lean, find_floor, to_world, up_of
from hmr_video.world.footing import _LEG, hold_feet, lay_feet_flat
from hmr_video.world.planting import _WHOLE, plant, shift

PITCH, ROLL, HEIGHT = 20.0, 5.0, 1.7
RATE = 25.0
CAMERA = np.array([[800.0, 0, 320], [0, 800.0, 240], [0, 0, 1]])


def tilted_camera(pitch: float = PITCH, roll: float = ROLL) -> np.ndarray:
    """(4, 4) world from camera, written down without the code under test: pitched down and rolled about its view, in degrees."""
    flip = np.diag([1.0, -1.0, -1.0])
    p, r = np.radians(pitch), np.radians(roll)
    down = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    lean = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    transform = np.eye(4)
    transform[:3, :3] = flip @ down.T @ lean
    transform[1, 3] = HEIGHT
    return transform


def stroll(
    body: Body, place: tuple[float, float], heading: float, length: int = 75, speed: float = 1.0, size: float = 1.0
) -> Person:
    """Somebody who walks over the floor, one foot at rest at a time, as the tilted camera sees it.

    place: x and z (metres, z towards the camera) at the start; heading: radians, 0 towards the camera; with ``speed`` 0 they
    stand. ``size`` other than 1 is a person whose distance and size the camera mistakes by that factor.
    """
    seconds = np.arange(length) / RATE
    swing = np.sin(2 * np.pi * seconds) * min(speed, 1.0)
    turns = np.zeros((length, 24, 3))
    for hip, knee, ankle, side in ((1, 4, 7, 1.0), (2, 5, 8, -1.0)):
        lifted = np.maximum(0, np.cos(2 * np.pi * seconds) * side) * min(speed, 1.0)  # while this leg swings forward
        turns[:, hip, 0] = -0.35 * swing * side - 0.3 * lifted
        turns[:, knee, 0] = 0.6 * lifted
        turns[:, ankle, 0] = 0.35 * swing * side - 0.3 * lifted  # the sole stays level
    turns[:, 16, 2], turns[:, 17, 2] = -1.2, 1.2
    turns[:, 0, 1] = heading
    rotations = axis_angle_to_matrix(torch.from_numpy(turns))
    betas = torch.zeros(10, dtype=torch.float64)
    # The lower sole carries: it lies on the floor and stays where it is.
    points = sole_points(rotations, betas, body)
    carrying = points[..., 1].min(-1).argmin(1)
    trans = np.zeros((length, 3))
    for frame in range(1, length):
        foot = carrying[frame]
        point = points[frame, foot, :, 1].argmin()
        trans[frame] = trans[frame - 1] + points[frame - 1, foot, point] - points[frame, foot, point]
    trans[:, 1] = -points[..., 1].min((1, 2))
    trans[:, [0, 2]] += place
    to_camera = np.linalg.inv(tilted_camera())
    pelvis = body.rest_joints(betas)[0].numpy()
    rotations[:, 0] = torch.from_numpy(to_camera[:3, :3]) @ rotations[:, 0]
    trans = ((trans + pelvis) @ to_camera[:3, :3].T + to_camera[:3, 3]) * size - pelvis
    joints, _ = body.joints(rotations, betas.expand(length, 10))
    return made(rotations, betas, trans, joints.numpy() + trans[:, None])


def made(rotations: torch.Tensor, betas: torch.Tensor, trans: np.ndarray, joints: np.ndarray) -> Person:
    length = len(trans)
    pixels = project(torch.from_numpy(joints), torch.from_numpy(CAMERA)).numpy()
    keypoints = np.zeros((length, 17, 3))
    keypoints[:, 5:, :2] = pixels[:, [16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]]
    keypoints[:, 5:, 2] = 0.9
    boxes = np.concatenate([pixels.min(1), pixels.max(1)], 1)
    same = torch.eye(3).expand(length, 24, 3, 3)
    return Person(
        track=Track(np.arange(length), boxes, keypoints, np.ones(length, bool)),
        estimate=Estimate(rotations.float(), betas.float(), torch.from_numpy(trans).float()),
        to_past=same,
        to_future=same,
        timestamps=np.arange(length) / RATE,
        frame_rate=RATE,
        camera_matrix=torch.from_numpy(CAMERA).float(),
        zoom=np.ones(length),
    )


def result(person: Person, body: Body) -> Motion:
    """What the line makes of somebody in the end."""
    return motion_of(person, person.track, (640, 480), body, "0" * 64)


def joints_of(person: Person, body: Body) -> np.ndarray:
    """(T, 24, 3) in camera space."""
    return person.skeleton(body)[0].numpy()


def wavering(person: Person, body: Body, amount: float = 0.03) -> Person:
    """The person as one view misjudges them: the distance swings slowly by a few per cent."""
    swing = amount * np.sin(2 * np.pi * np.arange(len(person)) / len(person) * 1.5)[:, None]
    return moved(person, joints_of(person, body)[:, 0] * swing)


def moved(person: Person, by: np.ndarray) -> Person:
    return person.reposed(person.estimate.rotations, person.estimate.trans.numpy() + by)


def in_world(person: Person, world: np.ndarray) -> Person:
    return replace(person, world_from_camera=np.tile(world, (len(person), 1, 1)))


def angle(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))


def standing_soles(person: Person, body: Body, world: np.ndarray) -> np.ndarray:
    """(N, 3) world positions of the lowest points of standing feet."""
    feet = soles(replace(person, world_from_camera=None), body)
    lowest = feet.lowest(world[1, :3])[feet.standing(world[1, :3])]
    return lowest @ world[:3, :3].T + world[:3, 3]


def slide(person: Person, body: Body, world: np.ndarray) -> float:
    """m/s over the floor of the soles' points that are nearest to it."""
    points = soles(replace(person, world_from_camera=None), body).points @ world[:3, :3].T + world[:3, 3]
    flat = points.reshape(len(points), -1, 3)
    chosen = flat[..., 1].argmin(1)[:-1]
    rows = np.arange(len(chosen))
    return float(np.linalg.norm((flat[1:][rows, chosen] - flat[:-1][rows, chosen])[:, [0, 2]], axis=-1).mean() * RATE)


@pytest.fixture(scope="module")
def people(body: Body) -> list[Person]:
    return [stroll(body, (-0.5, -4.5), 1.2), stroll(body, (0.8, -5.5), -0.6)]


def test_a_tilted_camera_is_levelled(people: list[Person], body: Body) -> None:
    reporter = Reporter(quiet=True)
    levelled = to_world([wavering(person, body) for person in people], body, reporter)
    world = levelled[0].world_from_camera
    assert world is not None
    np.testing.assert_array_equal(world, levelled[1].world_from_camera)
    world = world[0]
    np.testing.assert_allclose(world[:3, :3] @ world[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(world[:3, :3]) == pytest.approx(1)
    truth = tilted_camera()
    assert angle(world[1, :3], truth[1, :3]) < 3
    for before, person in zip(people, levelled, strict=True):
        assert np.abs(np.median(standing_soles(before, body, world)[:, 1])) < 0.03  # where the floor truly is
        assert np.abs(standing_soles(person, body, world)[:, 1]).max() < 0.02
        assert residuals(result(person, body)).mean() < 0.012
    assert reporter.notes == []


def test_feet_that_stand_stop_sliding_and_the_image_hardly_changes(people: list[Person], body: Body) -> None:
    world = tilted_camera()
    before = in_world(wavering(people[0], body, 0.05), world)
    after = plant(before, soles(before, body), body)
    heights = [standing_soles(person, body, world)[:, 1] for person in (before, after)]
    assert np.abs(heights[0]).max() > 0.03
    assert np.abs(heights[1]).max() < 0.02
    assert slide(after, body, world) < 0.65 * slide(before, body, world)  # the rest is the legs'
    assert residuals(result(after, body)).mean() < residuals(result(before, body)).mean() + 0.003


def test_a_path_along_the_view_is_not_shortened_by_legs_that_reach_too_short() -> None:
    """A body 6 m away that walks away a metre, with feet that seem to slide half as fast while they stand."""
    went = np.linspace(0, 1, 60)[:, None] * [0.0, 0.0, -1.0]
    feet = np.array([0.0, 0.0, -6.0]) + 0.5 * went
    eyes = np.tile([0.0, 1.5, 0.0], (60, 1))
    standing = Soles(feet[:, None, None], np.arange(60) / RATE, np.ones((60, 1), bool), eyes)
    body = np.array([0.0, 0.9, -6.0]) + went
    lost, lost_to_feet = (np.ptp(shift(standing, standing.seen, body, trust)[:, 2]) for trust in (_WHOLE, _LEG))
    assert lost < 0.2
    assert lost_to_feet > 0.4


def test_held_feet_rest_and_all_that_depends_on_the_legs_follows(people: list[Person], body: Body) -> None:
    """A walker whose distance wavers slides at 0.2 m/s even when the whole body is moved; the legs take up the rest."""
    world = tilted_camera()
    before = in_world(wavering(people[0], body, 0.05), world)
    planted = plant(before, soles(in_world(people[0], world), body), body)
    held = hold_feet(planted, body)
    stands = soles(planted, body).standing(np.array([0.0, 1.0, 0.0]))
    inner = stands[1:] & stands[:-1]
    speeds = []
    for person in (planted, held):
        points = soles(person, body).points
        lowest = points[..., 1].argmin(-1)[:-1, :, None, None]
        now, then = (np.take_along_axis(part, lowest, 2)[:, :, 0][inner] for part in (points[:-1], points[1:]))
        speeds.append(np.linalg.norm((then - now)[:, [0, 2]], axis=-1) * RATE)
    assert speeds[1].mean() < 0.02 < speeds[0].mean()
    assert (
        np.quantile(np.abs(standing_soles(held, body, world)[:, 1]), 0.9) < 0.01
    )  # feet are just off in the first and last frames
    assert soles(held, body).points.reshape(-1, 3)[:, 1] == pytest.approx(0.5, abs=0.51)  # none sinks

    assert np.abs(np.diff(joints_of(held, body), n=2, axis=0)).max() * RATE**2 < 65  # m/s^2: no knee jerks
    found, before = result(held, body), result(planted, body)
    np.testing.assert_allclose(found.joints3d, joints_of(held, body), atol=1e-5)
    np.testing.assert_allclose(found.poses_past, found.poses, atol=1e-5)  # as they were before
    assert found.confidence.mean() < before.confidence.mean()


def test_soles_are_laid_flat_about_the_ankle(people: list[Person], body: Body) -> None:
    """Standing feet whose toes were guessed 10 degrees too low lie flat; those that stand on their toes go on doing so."""
    person, world = people[1], tilted_camera()

    def lowered(degrees: float) -> Person:
        rotations = person.estimate.rotations.clone()
        rotations[:, [7, 8]] = rotations[:, [7, 8]] @ axis_angle_to_matrix(torch.tensor([np.radians(degrees), 0, 0]).float())
        return person.reposed(rotations, person.estimate.trans)

    flat = lay_feet_flat(lowered(10), body, world[1, :3])
    points = soles(flat, body).heights(world[1, :3])
    stands = soles(person, body).standing(world[1, :3])
    assert np.ptp(points, axis=-1)[stands].mean() < 0.02
    tiptoe = lowered(60)
    same = lay_feet_flat(tiptoe, body, world[1, :3])
    np.testing.assert_allclose(same.estimate.rotations, tiptoe.estimate.rotations, atol=1e-5)
    np.testing.assert_allclose(joints_of(flat, body)[:, :10], joints_of(person, body)[:, :10], atol=1e-5)


def test_feet_that_stand_point_one_way_and_those_that_pivot_turn(body: Body) -> None:
    """The whole body sways about the vertical by 12 degrees; and it turns about by 100."""
    person, world = stroll(body, (0.3, -4.0), 0.4, speed=0.0), tilted_camera()

    def headings(angles: np.ndarray) -> np.ndarray:
        """(T, 2) degrees by which the feet have turned since the first frame, when the whole body turns by ``angles``."""
        rotations = person.estimate.rotations.double()
        rotations[:, 0] = axis_angle_to_matrix(torch.from_numpy(angles[:, None] * world[1, :3])) @ rotations[:, 0]
        turning = person.reposed(rotations.numpy(), person.estimate.trans)
        points = soles(lay_feet_flat(turning, body, world[1, :3]), body).points @ world[:3, :3].T
        ahead = points[:, :, 1] - points[:, :, 0]
        ways = np.unwrap(np.arctan2(ahead[..., 0], ahead[..., 2]), axis=0)
        return np.degrees(ways - ways[:1])

    seconds = np.arange(len(person)) / RATE
    assert np.ptp(headings(np.radians(12) * np.sin(4 * seconds)), axis=0).max() < 2
    np.testing.assert_allclose(headings(np.radians(100) * seconds / seconds[-1])[-1], 100, atol=10)


def test_what_stands_well_is_left_alone(people: list[Person], body: Body) -> None:
    person = in_world(people[1], tilted_camera())
    after = plant(person, soles(person, body), body)
    assert (after.estimate.trans - person.estimate.trans).abs().max() < 0.06
    assert residuals(result(after, body)).mean() < 0.003


def test_one_floor_tells_the_sizes_of_people(people: list[Person], body: Body) -> None:
    near = stroll(body, (0.8, -5.5), -0.6, size=0.92)
    levelled = to_world([people[0], near], body, Reporter(quiet=True))
    far = [joints_of(person, body)[:, 0, 2].mean() for person in (people[0], near, *levelled)]
    assert (far[3] / far[1]) / (far[2] / far[0]) > 1.03
    assert residuals(result(levelled[1], body)).mean() < 0.008
    kept = to_world([people[0], near], body, Reporter(quiet=True), keep_sizes=True)
    np.testing.assert_array_equal(kept[1].estimate.betas, near.estimate.betas)


def test_who_is_far_off_the_floor_is_named(people: list[Person], body: Body) -> None:
    step = 1.2 * np.linalg.inv(tilted_camera())[:3, 1]  # a metre and more up
    above = moved(people[1], step)
    reporter = Reporter(quiet=True)
    to_world([people[0], people[0], above], body, reporter, keep_sizes=True)
    assert any("person 3" in note for note in reporter.notes)


def test_somebody_who_only_stands_tells_up_by_standing(body: Body) -> None:
    person = stroll(body, (0.3, -4.0), 0.4, speed=0.0)
    world = to_world([person], body, Reporter(quiet=True))[0].world_from_camera
    assert world is not None
    world = world[0]
    assert angle(world[1, :3], tilted_camera()[1, :3]) < 5
    assert np.abs(standing_soles(person, body, world)[:, 1]).max() < 0.03


def test_before_a_moving_camera_people_are_only_levelled(people: list[Person], body: Body) -> None:
    levelled = to_world(people, body, Reporter(quiet=True), moving=True)
    np.testing.assert_array_equal(levelled[0].estimate.trans, people[0].estimate.trans)
    assert levelled[0].world_from_camera is not None
    assert angle(levelled[0].world_from_camera[0, 1, :3], tilted_camera()[1, :3]) < 6


@pytest.mark.parametrize("frames", [1, 2])
def test_photographs_have_a_floor_too(body: Body, frames: int) -> None:
    short = stroll(body, (-0.5, -4.5), 1.2, length=frames)
    world = to_world([short], body, Reporter(quiet=True))[0].world_from_camera
    assert world is not None
    assert angle(world[0, 1, :3], tilted_camera()[1, :3]) < 10


def test_a_known_path_of_the_camera_changes_nothing_in_the_world(people: list[Person], body: Body) -> None:
    """The same wavering walker before a still camera and before one that turns and goes along."""
    person = wavering(people[0], body, 0.05)
    seconds = np.arange(len(person)) / RATE
    path = np.tile(np.eye(4), (len(person), 1, 1))
    path[:, :3, :3] = axis_angle_to_matrix(torch.from_numpy(np.outer(np.sin(seconds), [0.05, 0.3, 0.02]))).numpy()
    path[:, :3, 3] = np.outer(seconds, [0.2, 0.0, 0.0])
    turn = np.swapaxes(path[:, :3, :3], 1, 2)
    pelvis = body.rest_joints(person.estimate.betas)[0].numpy()
    rotations = person.estimate.rotations.double().numpy()
    rotations[:, 0] = turn @ rotations[:, 0]
    moving = person.reposed(
        rotations, np.einsum("tab,tb->ta", turn, person.estimate.trans.numpy() + pelvis - path[:, :3, 3]) - pelvis
    )
    still = to_world([person], body, Reporter(quiet=True))[0]
    known = to_world([moving], body, Reporter(quiet=True), stages=[path])[0]

    def placed(person: Person) -> np.ndarray:
        world = person.world_from_camera
        assert world is not None
        return np.einsum("tab,tjb->tja", world[:, :3, :3], joints_of(person, body)) + world[:, None, :3, 3]

    assert np.abs(placed(still) - placed(known)).max() < 0.08
    resting = np.linalg.norm(np.diff(soles(known, body).points[:, :, 1], axis=0), axis=-1).min(1)
    assert np.median(resting) * RATE < 0.05


def test_a_path_of_the_camera_that_takes_most_people_off_the_floor_is_not_believed(people: list[Person], body: Body) -> None:
    paths = [np.tile(np.eye(4), (len(one), 1, 1)) for one in (people[0], people[0], people[1])]
    for path, higher in zip(paths, (0.0, -1.5, 1.5), strict=True):
        path[:, 1, 3] = higher
    reporter = Reporter(quiet=True)
    placed = to_world([people[0], people[0], people[1]], body, reporter, paths, keep_sizes=True)
    assert any("not believed" in note for note in reporter.notes)
    np.testing.assert_array_equal(placed[0].world_from_camera, placed[1].world_from_camera)


def test_people_who_are_never_seen_to_stand_tell_up_together_before_a_known_camera(body: Body) -> None:
    crowd = [stroll(body, (x, z), 0.5, length=30) for x, z in ((-2.0, -4.0), (1.0, -7.0), (-1.0, -11.0), (2.0, -14.0))]
    feet = [replace(soles(person, body), seen=np.zeros((30, 2), bool)) for person in crowd]
    floor = find_floor(feet, Lean(up_of(0.0, 0.0), np.radians(5.0)), len(crowd), with_touches=True)
    assert floor.stances == 0
    assert angle(floor.up, tilted_camera()[1, :3]) < 4
    assert angle(find_floor(feet, Lean(up_of(0.0, 0.0), np.radians(5.0)), len(crowd)).up, tilted_camera()[1, :3]) > 8


def test_feet_that_nobody_saw_are_no_evidence(people: list[Person], body: Body) -> None:
    cut = people[0].track.landmarks.copy()
    cut[:, 15:, 2] = 0
    reporter = Reporter(quiet=True)
    to_world([replace(people[0], track=replace(people[0].track, landmarks=cut))], body, reporter)
    assert any("No foot" in note for note in reporter.notes)


@pytest.mark.parametrize(("pitch", "roll"), [(0.0, 0.0), (20.0, 5.0), (-10.0, -8.0)])
def test_up_is_the_second_row_of_a_tilted_camera(pitch: float, roll: float) -> None:
    np.testing.assert_allclose(up_of(np.radians(pitch), np.radians(roll)), tilted_camera(pitch, roll)[1, :3], atol=1e-12)
