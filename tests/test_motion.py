from pathlib import Path

import numpy as np
import pytest

from hmr_video.errors import InputError, OutputError
from hmr_video.geometry.silhouettes import Silhouettes, encode
from hmr_video.motion import Motion


def test_a_result_survives_its_file(motion: Motion, tmp_path: Path) -> None:
    motion.save(tmp_path / "person_01.npz")
    again = Motion.load(tmp_path / "person_01.npz")
    for name in Motion.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(motion, name), err_msg=name)


def test_silhouettes_survive_too_and_must_be_those_of_the_frames(motion: Motion, tmp_path: Path) -> None:
    masks = [np.arange(64).reshape(8, 8) % 5 == frame % 5 for frame in range(len(motion))]
    seen = motion.replace(silhouettes=Silhouettes.of([encode(mask) for mask in masks], np.ones((len(motion), 2, 3))))
    seen.save(tmp_path / "person_01.npz")
    again = Motion.load(tmp_path / "person_01.npz").silhouettes
    assert again is not None
    assert all(np.array_equal(again.in_crop(frame), mask) for frame, mask in enumerate(masks))
    with np.load(tmp_path / "person_01.npz") as data:
        np.savez(tmp_path / "cut.npz", **dict(data) | {"silhouette_counts": data["silhouette_counts"][1:]})
    with pytest.raises(InputError, match="silhouettes"):
        Motion.load(tmp_path / "cut.npz")


def test_results_from_before_there_were_landmarks_are_read(motion: Motion, tmp_path: Path) -> None:
    motion.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as data:
        np.savez(tmp_path / "old.npz", **{name: data[name] for name in data.files if name != "landmarks2d"})
    again = Motion.load(tmp_path / "old.npz")
    np.testing.assert_array_equal(again.keypoints2d, motion.keypoints2d)
    assert again.landmarks2d.shape == (len(motion), 29, 3)


def test_the_file_has_what_others_look_for(motion: Motion, tmp_path: Path) -> None:
    motion.save(tmp_path / "person_01.npz")
    with np.load(tmp_path / "person_01.npz", allow_pickle=False) as data:
        assert data["mocap_frame_rate"] == data["mocap_framerate"] == motion.frame_rate
        assert str(data["gender"]) == "neutral"
        assert data["poses"].dtype == data["trans"].dtype == np.float32
        assert data["timestamps"].dtype == np.float64


def test_what_exists_is_kept_unless_told(motion: Motion, tmp_path: Path) -> None:
    path = tmp_path / "person_01.npz"
    path.write_text("precious")
    with pytest.raises(OutputError):
        motion.save(path)
    assert path.read_text() == "precious"
    motion.save(path, overwrite=True)
    assert len(Motion.load(path)) == len(motion)
    assert [file.name for file in tmp_path.iterdir()] == ["person_01.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"plain text"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.npz"):
        Motion.load(path)


def test_objects_are_never_unpickled(motion: Motion, tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, poses=np.array([print], dtype=object))
    with pytest.raises(InputError):
        Motion.load(path)


def test_shapes_must_agree(motion: Motion) -> None:
    with pytest.raises(InputError, match="trans"):
        motion.replace(trans=motion.trans[:-1])
    with pytest.raises(InputError, match="not finite"):
        motion.replace(trans=np.full_like(motion.trans, np.nan))
