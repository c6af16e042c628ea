from pathlib import Path

import numpy as np
import pytest
import torch

from hmr_video.errors import InputError
from hmr_video.geometry.rotations import matrix_to_axis_angle, six_d_to_matrix
from hmr_video.mocap.clips import list_mocap, load_mocap, read_amass


def write(path: Path, width: int = 72, length: int = 40, rate: float = 60.0, **changes: object) -> Path:
    angle = np.linspace(0, 1, length)[:, None]
    values = {"poses": angle * np.eye(1, width, 12 * 3 + 1), "trans": np.repeat(angle, 3, 1), "mocap_frame_rate": rate} | changes
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: value for name, value in values.items() if value is not None})
    return path


@pytest.mark.parametrize("width", [72, 156])
def test_motion_is_brought_to_thirty_frames_a_second(tmp_path: Path, width: int) -> None:
    rotations, trans = read_amass(write(tmp_path / "a.npz", width))
    assert rotations.shape == (20, 24, 6)
    turned = matrix_to_axis_angle(six_d_to_matrix(rotations))
    expected = torch.arange(20) * 2 / 39  # every second frame of 40
    assert torch.allclose(turned[:, 12, 1], expected, atol=1e-5)
    assert torch.allclose(trans[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"poses": np.zeros((40, 70))},
        {"trans": np.zeros((39, 3))},
        {"mocap_frame_rate": None},
        {"poses": np.full((40, 72), np.nan)},
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, changes: dict[str, object]) -> None:
    path = write(tmp_path / "odd.npz", **changes)
    with pytest.raises(InputError, match=r"odd\.npz"):
        read_amass(path)


def test_collections_share_the_draw(tmp_path: Path) -> None:
    write(tmp_path / "big" / "x.npz", length=2000)
    write(tmp_path / "small" / "y.npz", length=20)
    mocap = load_mocap(tmp_path, list_mocap(tmp_path))
    assert mocap.sources == ["big/x", "small/y"]
    big, small = mocap.sampling_weights({})
    assert big / small == pytest.approx(10, rel=0.05)  # a hundred times as long
    assert mocap.sampling_weights({"big": 0.1})[0] == pytest.approx(0.5, rel=0.05)


def test_short_clips_are_played_to_and_fro(tmp_path: Path) -> None:
    write(tmp_path / "a" / "x.npz", length=9)
    mocap = load_mocap(tmp_path, ["a/x"])
    _, trans = mocap.window(torch.tensor([0]), torch.tensor([0.0]), torch.tensor([1.0]), 9)
    there = trans[0, :5, 0]
    assert torch.allclose(trans[0, 4:, 0], there.flip(0), atol=1e-6)
