import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hmr_video.errors import InputError
from hmr_video.evaluate import compare
from hmr_video.evaluate.compare import Sequence
from hmr_video.evaluate.views import CALIBRATION, View, find_video, read_calibration, triangulate, true_sequences
from hmr_video.geometry.skeleton import COCO_LIMBS, LIMB_JOINTS
from hmr_video.motion import Motion

MATRIX = np.array([[900.0, 0, 320], [0, 910, 240], [0, 0, 1]])
LENS = np.array([-0.2, 0.05, 0.001, -0.002])


def views(count: int) -> list[View]:
    """Cameras in a circle of 4 m about the world's origin, looking at it."""
    turns = Rotation.from_rotvec(np.outer(np.arange(count) * 1.2, [0, 1, 0])).as_matrix()
    return [View(f"camera {n}", MATRIX, LENS, np.column_stack([turn, [0, 0, 4.0]])) for n, turn in enumerate(turns)]


def pixels(view: View, points: np.ndarray) -> np.ndarray:
    turn = Rotation.from_matrix(view.pose[:, :3]).as_rotvec()
    flat = cv2.projectPoints(points.reshape(-1, 3), turn, view.pose[:, 3], view.matrix, view.distortions)[0]
    return flat.reshape(*points.shape[:-1], 2)


def table(view: View) -> str:
    turn = Rotation.from_matrix(view.pose[:, :3]).as_rotvec().tolist()
    return f"""
        [{view.name.replace(" ", "_")}]
        name = "{view.name}"
        matrix = {view.matrix.tolist()}
        distortions = {view.distortions.tolist()}
        rotation = {turn}
        translation = {view.pose[:, 3].tolist()}
        fisheye = false
        """


def test_points_are_where_all_views_see_them_also_when_one_errs():
    points = np.random.default_rng(0).uniform(-0.8, 0.8, (5, 12, 3))
    seen = np.stack([np.concatenate([pixels(view, points), np.full((5, 12, 1), 0.9)], -1) for view in views(4)])
    seen[2, :, 3, :2] += 150
    found, missed = triangulate(views(4), seen)
    np.testing.assert_allclose(found, points, atol=2e-3)
    assert missed[2, :, 3].min() > 100
    assert np.delete(missed, 3, 2).max() < 0.1


def test_keypoints_without_confidence_have_no_say():
    points = np.random.default_rng(1).uniform(-0.8, 0.8, (3, 12, 3))
    seen = np.stack([np.concatenate([pixels(view, points), np.ones((3, 12, 1))], -1) for view in views(3)])
    seen[0, :, :4] = [0, 0, 0]
    np.testing.assert_allclose(triangulate(views(3), seen)[0], points, atol=2e-3)


def test_a_calibration_is_read_as_it_was_written(tmp_path):
    wanted = views(3)
    (tmp_path / CALIBRATION).write_text("".join(table(view) for view in wanted) + "[metadata]\nerror = 0.0\n")
    for mine, other in zip(read_calibration(tmp_path), wanted, strict=True):
        assert mine.name == other.name
        for name in ("matrix", "distortions", "pose"):
            np.testing.assert_allclose(getattr(mine, name), getattr(other, name), atol=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is no calibration"),
        ("[a", "is no calibration"),
        (table(views(1)[0]), "tells of 1 cameras"),
        (table(views(1)[0]).replace("translation", "moved"), "not complete"),
        (table(views(1)[0]).replace("fisheye = false", "fisheye = true"), "fisheye"),
    ],
)
def test_other_calibrations_are_refused(tmp_path, text, message):
    if text is not None:
        (tmp_path / CALIBRATION).write_text(text)
    with pytest.raises(InputError, match=message):
        read_calibration(tmp_path)


def test_videos_are_named_like_cameras(tmp_path):
    with pytest.raises(InputError, match="camera 0"):
        find_video(tmp_path, views(1)[0])
    (tmp_path / "camera 0.avi").touch()
    assert find_video(tmp_path, views(1)[0]).name == "camera 0.avi"


def seen_by(view: View, points: np.ndarray, first: int, motion: Motion) -> Motion:
    """What the tool would make of points (T, 12, 3) in one view, were it never wrong, from frame ``first`` on."""
    keypoints = np.ones((len(points), 17, 3), np.float32)
    keypoints[:, COCO_LIMBS, :2] = pixels(view, points)
    joints = np.zeros((len(points), 24, 3), np.float32)
    joints[:, LIMB_JOINTS] = points @ view.pose[:, :3].T + view.pose[:, 3]
    frames = np.arange(first, first + len(points))
    return motion.replace(landmarks2d=keypoints, joints3d=joints, frame_ids=frames, timestamps=frames / motion.frame_rate)


def test_a_perfect_result_agrees_with_what_all_views_show_of_it(motion):
    points = np.random.default_rng(2).uniform(-0.8, 0.8, (len(motion) + 2, 12, 3))
    motions = [seen_by(view, points[first : first + len(motion)], first, motion) for first, view in enumerate(views(3))]
    true, disagreement = true_sequences(views(3), motions)
    assert disagreement < 1e-4
    for motion, truth in zip(motions, true, strict=True):
        assert truth.frame_ids.tolist() == list(range(2, len(motion)))
        scores = compare(Sequence.from_motion(motion), truth)
        assert scores["mpjpe"] < 0.1
        assert scores["pa_mpjpe"] < 0.1


def test_cameras_that_see_different_people_are_refused(motion):
    dice = np.random.default_rng(3)
    motions = [seen_by(view, dice.uniform(-0.8, 0.8, (len(motion), 12, 3)), 0, motion) for view in views(3)]
    with pytest.raises(InputError, match="one person"):
        true_sequences(views(3), motions)
