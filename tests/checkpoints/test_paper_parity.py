"""The paper's networks under known weights, against numbers of an implementation that was checked against the official graph.

Each official variable is drawn from a generator seeded with its own name, so that a wrong name, layout or layer shows. The golden
numbers are every k-th of an output; 2e-5 is the tolerance in all of them.
"""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hmr_video.body.published import PublishedBody
from hmr_video.checkpoints.official import SMPL_ENTRIES, Entry, discriminator_entries, hmmr_entries, image_encoder_entries
from hmr_video.features.resnet50 import Bottleneck, ResNet50
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.model import HMMR
from hmr_video.model.discriminator import PoseDiscriminator
from hmr_video.model.presets import hmmr_paper
from hmr_video.model.windows import predict_windows

pytestmark = pytest.mark.slow  # 120 million weights are drawn
GOLDEN = np.load(Path(__file__).with_name("golden_paper.npz"))
TOLERANCE = 2e-5


def random(tag: str, *shape: int) -> np.ndarray:
    """Standard normal float32, the same for the same tag on every machine (NumPy froze this generator)."""
    return np.random.RandomState(zlib.crc32(tag.encode())).standard_normal(shape).astype(np.float32)


def weight(entry: Entry) -> np.ndarray:
    """Values of an official variable that keep activations of order one through the networks."""
    values, leaf = random(entry.official, *entry.shape), entry.official.rsplit("/", 1)[-1]
    if leaf == "weights":
        gain = 0.1 if "3D_module/fc3" in entry.official else 0.35 if "bottleneck_v2/conv3" in entry.official else 1.0
        return values * np.float32(gain * (2 / np.prod(entry.shape[:-1])) ** 0.5)
    if leaf in ("gamma", "moving_variance"):
        return np.clip(1 + values / 4, 0.5, 2).astype(np.float32)
    if leaf == "mean_param":
        values *= 0.2
        values[0, :6] += [0.9, 0, 0, np.pi, 0, 0]
        return values
    if leaf in ("J_regressor", "cocoplus_regressor", "lbs_weights"):
        shares = np.abs(values) ** 8  # few vertices make a joint, few joints move a vertex
        return shares / shares.sum(1 if leaf == "lbs_weights" else 0, keepdims=True)
    return values * np.float32(0.02 if "3D_module/fc3" in entry.official else 0.1)


def filled(module: nn.Module, entries: list[Entry]) -> nn.Module:
    """The module with all its weights drawn, ready for inference."""
    state = {entry.name.split(".", 1)[1]: torch.from_numpy(entry.convert(weight(entry)).copy()) for entry in entries}
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return module.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def hmmr() -> nn.Module:
    return filled(HMMR(hmmr_paper()), [entry for entry in hmmr_entries() if entry.name.startswith("model.")])


@pytest.fixture(scope="module")
def encoder() -> nn.Module:
    return filled(ResNet50(), image_encoder_entries())


def phi(tag: str, *shape: int) -> Tensor:
    """Like a ResNet's features: not negative, half of them zero."""
    return torch.from_numpy(random(tag, *shape)).relu()


def image() -> Tensor:
    """A picture of blocks and stripes (1, 3, 224, 224) in [-1, 1]."""
    blocks = np.kron(random("image", 3, 14, 14), np.ones((16, 16), np.float32))
    stripes = np.sin(np.arange(224, dtype=np.float32) / 3)
    return torch.from_numpy(np.clip(blocks * 0.5 + stripes * 0.4, -1, 1)[None].astype(np.float32))


def check(name: str, value: Tensor) -> None:
    np.testing.assert_allclose(value.numpy(), GOLDEN[name], atol=TOLERANCE, rtol=0, err_msg=name)


def test_image_encoder_and_its_units(encoder: ResNet50) -> None:
    taps: list[Tensor] = []
    for unit in encoder.modules():
        if isinstance(unit, Bottleneck):
            unit.register_forward_hook(lambda module, inputs, output: taps.append(output[0, ::97, 3::5, 3::5].flatten()[:24]))
    result = encoder(image())
    check("phi", result[0, ::8])
    for i, tap in enumerate(taps):
        check(f"unit_{i}", tap)
    check("phi", encoder.for_inference()(image().to(memory_format=torch.channels_last))[0, ::8])


@pytest.mark.parametrize("frames", [1, 7, 21])
def test_temporal_encoder(hmmr: HMMR, frames: int) -> None:
    check(f"strip_{frames}", hmmr.temporal(phi("temporal", 1, frames, 2048))[0, :, ::64])


def test_temporal_encoder_of_faint_features(hmmr: HMMR) -> None:
    """Where the epsilon of the group norm shows."""
    check("strip_faint", hmmr.temporal(phi("faint", 1, 5, 2048) * 1e-3)[0, :, ::64])


def test_regressors(hmmr: HMMR) -> None:
    output = hmmr.regress(phi("strip", 1, 2, 2048))
    check("thetas", torch.stack(output.thetas)[:, 0])
    check("past", output.past.pose[0])
    check("future", output.future.pose[0])
    check("rotations", output.future.rotations[0, 0])
    assert torch.equal(output.past.betas, output.thetas[-1][..., 75:])


def test_hallucinator(hmmr: HMMR) -> None:
    check("hallucinated", hmmr.hallucinate(phi("single", 1, 2, 2048))[0, :, ::16])


def test_windows_over_21_frames(hmmr: HMMR) -> None:
    output = predict_windows(hmmr, phi("video", 21, 2048), phi("zero image", 2048))
    check("windows", output.present.pose[0, ::3])
    check("windows_past", output.past.pose[0, ::5])
    check("windows_camera", output.present.camera[0])


def test_body() -> None:
    constants = {entry.name.removeprefix("smpl."): entry.convert(weight(entry)) for entry in SMPL_ENTRIES}
    body = PublishedBody(constants, "random", "")
    rotations = axis_angle_to_matrix(torch.from_numpy(random("pose", 2, 24, 3)))
    vertices, joints = body.vertices(rotations, torch.from_numpy(random("shape", 2, 10)))
    check("vertices", vertices[:, ::97])
    check("joints", joints)
    check("keypoints", body.keypoints(vertices))


def test_discriminator() -> None:
    judge = filled(PoseDiscriminator(), discriminator_entries())
    check("scores", judge(axis_angle_to_matrix(torch.from_numpy(random("poses", 3, 23, 3)))))
