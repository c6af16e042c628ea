import json

import numpy as np
import pytest

from hmr_video.errors import InputError
from hmr_video.people.keypoints.files import associate, read_keypoints


def poses(count: int, x: float = 100.0) -> np.ndarray:
    """(count, 17, 3): a figure of 17 known points that moves right by 2 pixels a frame."""
    points = np.stack([np.linspace(0, 40, 17), np.linspace(0, 160, 17), np.full(17, 0.8)], 1)
    return points + np.stack([x + 2.0 * np.arange(count), np.full(count, 50.0), np.zeros(count)], 1)[:, None]


def save(path, **changes):
    arrays = {"keypoints2d": poses(6), "frame_ids": np.arange(6), "image_size": np.array([640, 480]), "mocap_frame_rate": 25.0}
    np.savez(path, **{key: value for key, value in (arrays | changes).items() if value is not None})
    return path


def test_npz(tmp_path):
    matrix = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    frame_ids = np.array([3, 4, 5, 8, 9, 10])
    people = read_keypoints(save(tmp_path / "a.npz", frame_ids=frame_ids, camera_matrix=matrix))
    (track,) = people.tracks
    assert track.frame_ids.tolist() == list(range(3, 11))
    assert np.flatnonzero(~track.detected).tolist() == [3, 4]
    np.testing.assert_allclose(track.keypoints[track.detected], poses(6))
    assert (people.image_size, people.frame_rate) == ((640, 480), 25.0)
    np.testing.assert_allclose(people.timestamps, np.arange(11) / 25)
    np.testing.assert_array_equal(people.camera_matrix, matrix)
    low, high = poses(6)[..., :2].min(1), poses(6)[..., :2].max(1)
    assert (track.boxes[track.detected][:, :2] < low).all()
    assert (track.boxes[track.detected][:, 2:] > high).all()


def test_npz_with_missing_points_and_times_of_its_own(tmp_path):
    keypoints = poses(6)
    keypoints[2] = np.nan
    times = np.array([0.0, 0.1, 0.15, 0.3, 0.4, 0.5])
    people = read_keypoints(save(tmp_path / "a.npz", keypoints2d=keypoints, timestamps=times))
    assert people.tracks[0].detected.tolist() == [True, True, False, True, True, True]
    np.testing.assert_allclose(people.timestamps, times)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"keypoints2d": None}, "lacks keypoints2d"),
        ({"keypoints2d": np.zeros((6, 17, 4))}, r"\(6, 17, 4\)"),
        ({"keypoints2d": np.zeros((6, 19, 3))}, "19 points"),
        ({"frame_ids": np.array([0, 1, 1, 2, 3, 4])}, "ascending"),
        ({"frame_ids": np.arange(5)}, "ascending"),
        ({"image_size": None}, "--image-size"),
        ({"mocap_frame_rate": None}, "--frame-rate"),
        ({"camera_matrix": np.zeros((2, 2))}, "camera_matrix"),
        ({"image_size": np.array([640, 480j])}, "image_size is not of numbers"),
        ({"timestamps": np.array(list("abcdef"))}, "timestamps is not of numbers"),
    ],
)
def test_bad_npz(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        read_keypoints(save(tmp_path / "a.npz", **changes))


def write_openpose(folder, frames, numbers=75):
    """People (COCO-17) as BODY_25 or COCO-18 files, one a frame."""
    # OpenPose's order: nose, neck, right arm, left arm, middle hip (25 only), right leg, left leg, eyes, ears, feet (25 only).
    body_25 = [0, None, 6, 8, 10, 5, 7, 9, None, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3] + [None] * 6
    coco_18 = [0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    order = body_25 if numbers == 75 else coco_18
    folder.mkdir()
    for index, people in enumerate(frames):
        rows = [[*np.concatenate([np.zeros(3) if part is None else pose[part] for part in order])] for pose in people]
        data = {"version": 1.3, "people": [{"pose_keypoints_2d": row} for row in rows]}
        (folder / f"clip_{index:012d}_keypoints.json").write_text(json.dumps(data))
    return folder


@pytest.mark.parametrize("numbers", [75, 54])
def test_openpose_of_two_people_in_changing_order(tmp_path, numbers):
    first, second = poses(8), poses(8, x=400)
    frames = [[first[t], second[t]] if t % 2 else [second[t], first[t]] for t in range(8)]
    frames[4] = [first[4]]  # the second is lost for a moment
    people = read_keypoints(write_openpose(tmp_path / "json", frames, numbers), image_size=(640, 480), frame_rate=30.0)
    left, right = sorted(people.tracks, key=lambda track: track.boxes[0, 0])
    np.testing.assert_allclose(left.keypoints, first)
    np.testing.assert_allclose(right.keypoints[right.detected], np.delete(second, 4, 0))
    assert np.flatnonzero(~right.detected).tolist() == [4]


def test_openpose_needs_the_size_and_says_where_it_is_bad(tmp_path):
    folder = write_openpose(tmp_path / "json", [[poses(1)[0]]])
    with pytest.raises(InputError, match="--image-size"):
        read_keypoints(folder, frame_rate=30.0)
    bad = folder / "clip_000000000001_keypoints.json"
    bad.write_text('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}')
    with pytest.raises(InputError, match=rf"{bad.name}, person 0: 3 numbers"):
        read_keypoints(folder, (640, 480), 30.0)
    bad.write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_keypoints(folder, (640, 480), 30.0)


def coco(tracked: bool) -> dict:
    images = [{"id": 10 + t, "width": 640, "height": 480} for t in range(5)]
    annotations = [
        {"image_id": 10 + t, "keypoints": poses(5, x)[t].ravel().tolist(), **({"track_id": name} if tracked else {})}
        for t in range(5)
        for name, x in (("a", 50.0), ("b", 400.0))
    ]
    return {"images": images, "annotations": annotations}


@pytest.mark.parametrize("tracked", [True, False])
def test_coco(tmp_path, tracked):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(coco(tracked)))
    people = read_keypoints(path, frame_rate=12.5)
    assert people.image_size == (640, 480)
    left, right = sorted(people.tracks, key=lambda track: track.boxes[0, 0])
    np.testing.assert_allclose(left.keypoints, poses(5, 50.0))
    np.testing.assert_allclose(right.keypoints, poses(5, 400.0))


def test_bad_coco_names_the_annotation(tmp_path):
    data = coco(True)
    data["annotations"][3]["keypoints"] = [1.0] * 50
    (tmp_path / "coco.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="annotation 3"):
        read_keypoints(tmp_path / "coco.json", frame_rate=12.5)


def test_other_content(tmp_path):
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "folder").mkdir()
    for name in ("list.json", "text.npz", "folder", "missing.npz"):
        with pytest.raises(InputError):
            read_keypoints(tmp_path / name, (640, 480), 30.0)


def test_association_does_not_join_strangers():
    far = [(0, poses(1)), (1, poses(1, x=500))]
    assert len(associate(far)) == 2
    assert len(associate([(0, poses(1)), (40, poses(1))])) == 2
