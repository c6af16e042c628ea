"""Training batches: motion windows, augmented, before a random camera, as the synthetic detector sees them."""

from dataclasses import dataclass, field, fields

import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.features.keypoints import keypoint_features, with_points
from hmr_video.geometry.rotations import six_d_to_matrix
from hmr_video.geometry.skeleton import COCO_NAMES, LANDMARKS
from hmr_video.mocap.clips import Mocap
from hmr_video.synth.augment import AugmentConfig, augment, chance, uniform
from hmr_video.synth.limb_ends import END_JOINTS
from hmr_video.synth.motion.invented import InventedConfig, Inventor
from hmr_video.synth.motion.pose_kinds import frame_weights
from hmr_video.synth.random_cameras import CameraConfig, view
from hmr_video.synth.simulated_detector import DetectorConfig, observe


@dataclass
class Batch:
    """B windows of T frames."""

    features: Tensor  # (B, T, F) what the model reads
    box: Tensor  # (B, T, 3) in rays, what the features were normalised by
    rotations: Tensor  # (B, T, 24, 3, 3) the truth, the root's into camera space
    betas: Tensor  # (B, 10) its shape
    joints: Tensor  # (B, T, 24, 3) metres relative to the pelvis, camera axes
    points2d: Tensor  # (B, T, 24, 2) the joints' projections in units of the box, -1 to 1
    ends: Tensor  # (B, T, 12, 3) metres of the points of feet and hands from their ankle or wrist, camera axes


@dataclass(frozen=True)
class SyntheticConfig:
    """How windows become training pairs."""

    augment: AugmentConfig | None = field(default_factory=AugmentConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    invention: InventedConfig = field(default_factory=InventedConfig)
    invented: float = 0.25  # share of windows that are made up, not captured
    slowest: float = 0.7  # playing speed of the motion
    fastest: float = 1.45


class Sampler:
    """Draws batches. The same seed and number give the same batch on the same machine, in whatever order they are drawn.

    ``clip_weights`` (C,): how often a clip is drawn; ``kinds`` (N, K) of its frames: the rare ones more often.
    """

    def __init__(
        self,
        mocap: Mocap,
        body: Body,
        clip_weights: Tensor,
        config: SyntheticConfig,
        seed: int = 0,
        kinds: Tensor | None = None,
    ) -> None:
        self.mocap, self.body, self.config, self.seed = mocap, body, config, seed
        self._reached = frame_weights(mocap, clip_weights, kinds).double().cumsum(0)
        self.inventor = Inventor(body, config.invention)

    def batch(self, number: int, size: int, frames: int) -> Batch:
        """Batch ``number``: ``size`` windows of ``frames`` frames."""
        generator = Generator().manual_seed((self.seed << 32) + number)
        rotations, trans, _ = self.motion(size, frames, generator, self.config.invented)
        rotations, position = view(rotations, trans, self.config.camera, generator)
        betas = torch.randn(size, 10, generator=generator) * torch.where(chance(generator, 0.5, size, 1), 1.0, 0.5)
        return self._observed(rotations, position, betas, generator)

    def motion(self, size: int, frames: int, generator: Generator, invented: float) -> tuple[Tensor, Tensor, Tensor]:
        """Augmented windows in the world (y up), a share of ``invented`` made up: rotations (B, T, 24, 3, 3), trans (B, T, 3) and
        what each is (B,): -1 for captured, else its place in ``invented.NAMES``."""
        rotations, trans = self._windows(size, frames, generator)
        origin = torch.full((size,), -1)
        made_up = int(size * invented + torch.rand(1, generator=generator).item()) if invented else 0
        if made_up:
            own = self.inventor.windows(rotations[:made_up], generator)
            rotations, trans, origin = (
                torch.cat([new, old[made_up:]]) for new, old in zip(own, (rotations, trans, origin), strict=True)
            )
        if self.config.augment:
            donors = torch.stack([self._windows(size, frames, generator)[0] for _ in range(6)])
            donors[1:3] = torch.where(origin[:, None, None, None, None] < 0, donors[1:3], rotations)  # made-up legs stay
            rotations, trans = augment(rotations, trans, donors, self.config.augment, generator)
        return rotations, trans, origin

    def _windows(self, size: int, frames: int, generator: Generator) -> tuple[Tensor, Tensor]:
        drawn = torch.rand(size, generator=generator, dtype=torch.float64) * self._reached[-1]
        frame = torch.searchsorted(self._reached, drawn).clamp_max(len(self._reached) - 1)
        clips = torch.searchsorted(self.mocap.starts, frame, right=True) - 1
        speed = uniform(generator, self.config.slowest, self.config.fastest, size)
        room = (self.mocap.lengths[clips] - 1 - speed * frames).clamp_min(0)
        first = frame - self.mocap.starts[clips] - speed * frames * torch.rand(size, generator=generator)
        rotations, trans = self.mocap.window(clips, first.clamp_min(0).minimum(room), speed, frames)
        return six_d_to_matrix(rotations), trans

    def _observed(self, rotations: Tensor, position: Tensor, betas: Tensor, generator: Generator) -> Batch:
        scene = Scene(self.body, rotations, position, betas, wrong_focal(generator, len(betas), self.config.camera))
        return scene.pair(observe(scene.keypoints, scene.joints, scene.turned, self.config.detector, generator))


class Scene:
    """Bodies before the camera, as they are seen where its focal length is mistaken.

    rotations (B, T, 24, 3, 3), the root's into camera space; position (B, T, 3) of the pelvis; betas (B, 10); ``stretch`` as
    :func:`wrong_focal` gives it. ``keypoints`` (B, T, 29, 3) and ``joints`` (B, T, 24, 3) are what is seen, ``turned``
    (B, T, 24, 3, 3) the joints' rotations.
    """

    def __init__(self, body: Body, rotations: Tensor, position: Tensor, betas: Tensor, stretch: Tensor) -> None:
        self.rotations, self.betas = rotations, betas
        shape = betas[:, None].expand(-1, rotations.shape[1], -1)
        joints, self.turned = body.joints(rotations, shape)
        landmarks, pelvis = body.landmarks_from_joints(joints, self.turned, shape), joints[..., :1, :]
        self._relative, self._ends = joints - pelvis, relative_ends(landmarks, joints)
        self.joints = (joints - pelvis + position[:, :, None]) * stretch
        self.keypoints = (landmarks - pelvis + position[:, :, None]) * stretch

    def pair(self, detections: Tensor) -> Batch:
        """What is said of them, (B, T, 17 or 29, 3) under the same focal length, beside the truth."""
        features, box = keypoint_features(with_points(detections, len(LANDMARKS)))
        rays = self.joints[..., :2] / self.joints[..., 2:].clamp_min(0.2)
        points2d = (rays - box[..., None, :2]) / box[..., None, 2:]
        return Batch(features, box, self.rotations, self.betas, self._relative, points2d, self._ends)


def wrong_focal(generator: Generator, count: int, config: CameraConfig) -> Tensor:
    """Factors (B, 1, 1, 3) of x, y and depth, or confidence, by which what is seen changes under a wrong focal length."""
    focal = (uniform(generator, -1, 1, count) * config.focal_error).exp()
    return torch.stack([focal, focal, torch.ones_like(focal)], -1)[:, None, None]


def relative_ends(landmarks: Tensor, joints: Tensor) -> Tensor:
    """The points of feet and hands (B, T, 12, 3) from their ankle or wrist, of landmarks (B, T, 29, 3)."""
    return landmarks[..., len(COCO_NAMES) :, :] - joints[..., list(END_JOINTS), :]


def joined(batches: list[Batch]) -> Batch:
    """One batch of several of equal length."""
    return Batch(**{field.name: torch.cat([getattr(batch, field.name) for batch in batches]) for field in fields(Batch)})
