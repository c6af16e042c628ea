"""A tiny ONNX network with RTMPose's inputs and outputs, which finds the reddest column and line."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hmr_video.errors import AssetError
from hmr_video.people.keypoints.network import load_landmark_network

pytest.importorskip("openvino")
HEIGHT, WIDTH = 64, 48


def network(path: Path, points: int) -> Path:
    """All ``points`` lie where the red channel is brightest: its maxima over lines and columns, each twice."""
    constants = {"red": np.array([0]), "wide": np.array([1, points, 2 * WIDTH]), "tall": np.array([1, points, 2 * HEIGHT])}
    constants |= {"columns": np.repeat(np.arange(WIDTH), 2), "lines": np.repeat(np.arange(HEIGHT), 2)}
    nodes = [helper.make_node("Gather", ["input", "red"], ["first"], axis=1)]
    for out, axis, picks, shape in (("simcc_x", 2, "columns", "wide"), ("simcc_y", 3, "lines", "tall")):
        nodes += [
            helper.make_node("ReduceMax", ["first"], [f"{out}_max"], axes=[axis], keepdims=0),
            helper.make_node("Gather", [f"{out}_max", picks], [f"{out}_fine"], axis=2),
            helper.make_node("Expand", [f"{out}_fine", shape], [out]),
        ]
    shapes = {"simcc_x": [1, points, 2 * WIDTH], "simcc_y": [1, points, 2 * HEIGHT]}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value.astype(np.int64), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def crop(x: int, y: int) -> np.ndarray:
    image = np.zeros((HEIGHT, HEIGHT, 3), np.uint8)
    image[y, x, 0] = 255
    return image


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(("points", "known"), [(17, 17), (26, 23), (133, 29)])
def test_points_come_back_in_pixels_of_the_square_crop(tmp_path: Path, points: int, known: int) -> None:
    network(tmp_path / "pose.onnx", points)
    for _ in range(2):  # the second time from what was compiled before
        load_landmark_network.cache_clear()
        net = load_landmark_network(tmp_path / "pose.onnx")
        assert net.size == HEIGHT
        looks = net([crop(20, 50), crop(30, 7)])
        assert looks.points[:, :known, :2] == pytest.approx(np.tile([[[20, 50]], [[30, 7]]], (1, known, 1)), abs=0.5)
        assert (looks.points[:, :known, 2] == 1).all()
        assert not looks.points[:, known:].any()
        assert looks.presence.tolist() == [1, 1]
    assert len(list((tmp_path / "cache" / "openvino").glob("*.blob"))) == 1


def test_a_damaged_copy_of_what_was_compiled_is_made_anew(tmp_path: Path) -> None:
    path = network(tmp_path / "pose.onnx", 26)
    load_landmark_network.cache_clear()
    load_landmark_network(path)
    blob = next((tmp_path / "cache" / "openvino").glob("*.blob"))
    whole = blob.read_bytes()
    blob.write_bytes(whole[: len(whole) // 2])
    load_landmark_network.cache_clear()
    assert load_landmark_network(path)([crop(20, 50)]).points[0, 0, :2] == pytest.approx([20, 50], abs=0.5)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="RTMPose"):
        load_landmark_network(network(tmp_path / "pose.onnx", 5))
    (tmp_path / "none.onnx").write_bytes(b"nothing")
    with pytest.raises(AssetError):
        load_landmark_network(tmp_path / "none.onnx")
