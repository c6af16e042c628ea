"""Windows of motion capture before random cameras with what the synthetic detector says of them, to measure the tool on."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.evaluate import Sequence
from hmr_video.features.keypoints import MODEL_FRAME_RATE, TRUSTED
from hmr_video.geometry.cameras import camera_matrix
from hmr_video.geometry.rotations import six_d_to_matrix
from hmr_video.geometry.skeleton import COCO_LIMBS
from hmr_video.mocap.clips import Mocap, folder_of, load_mocap
from hmr_video.options import PeopleOptions
from hmr_video.synth.augment import uniform
from hmr_video.synth.film.filming import Camera, shoot
from hmr_video.synth.film.onlooker import Onlooker, in_rays
from hmr_video.synth.limb_ends import LimbEndsConfig
from hmr_video.synth.random_cameras import CameraConfig, view
from hmr_video.synth.simulated_detector import NEVER, DetectorConfig, observe, self_occluded

IMAGE_SIZE = (1280, 720)
SHORTEST = 24  # frames; clips shorter than that are left out

# A word of a clip's name, or how it begins -> what the person does.
_ACTIVITIES = (
    "bow", "bye", "call", "climb", "crouch", "dance", "dash", "directing", "guide", "jump", "kick", "kneel", "lie", "punch",
    "raise", "run", "salsa", "indian", "sit", "slash", "soccer", "basketball", "walk", "wave",
)  # fmt: skip


# What training sees grows harder from run to run; the measure stays. The default detector reports all that it doubts.
# What it says of feet and hands, where it is asked, is all of them.
EVALUATION_DETECTOR = replace(
    DetectorConfig(), silent=0.0, missing=0.0, swap=0.06, low_hips=NEVER, high_shoulders=NEVER, fused=0.0,
    limb_ends=LimbEndsConfig(none=0.0, no_feet=0.0, no_hands=0.0, no_small_toes=0.0, missing=0.0),
)  # fmt: skip
NOT_NEAR = CameraConfig(distance=(1.6, 14.0))


@dataclass(frozen=True)
class TrialConfig:
    """How windows are drawn. ``camera.focal_error`` is what the tool does not know."""

    camera: CameraConfig = NOT_NEAR
    detector: DetectorConfig = EVALUATION_DETECTOR
    longest: int = 90  # frames of a window
    landmarks: bool = False  # whether the detector is asked of feet and hands, too


@dataclass(frozen=True)
class Poses:
    """A body over T frames, true or estimated: rotations (T, 24, 3, 3), the root's into camera space, betas (T, 10), trans (T, 3)
    metres."""

    rotations: Tensor
    betas: Tensor
    trans: Tensor

    def sequence(self, body: Body, camera: Tensor) -> Sequence:
        """As the metrics take it, before a camera (3, 3); without 2D points."""
        joints = (body.joints(self.rotations, self.betas)[0] + self.trans[:, None]).double()

        def vertices(rows: Tensor) -> Tensor:
            return (body.vertices(self.rotations[rows], self.betas[rows])[0] + self.trans[rows, None]).double()

        nothing = torch.full((len(joints), 14, 3), torch.nan, dtype=torch.float64)
        return Sequence(joints, torch.arange(len(joints)), MODEL_FRAME_RATE, camera.double(), nothing, vertices, body.hash)


@dataclass(frozen=True)
class Trial:
    """One window of T frames at the model's frame rate: the truth, and the evidence that the tool gets."""

    clip: str  # ``collection/file``
    poses: Poses  # the truth
    true_camera: Tensor  # (3, 3) pixels
    camera: Tensor  # what the tool takes it for
    keypoints: Tensor  # (T, 17 or 29, 3) pixels and confidence
    unseen: Tensor  # (T, 12) limb keypoints that the body itself hides, or that the detector does not trust

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def timestamps(self) -> Tensor:
        """(T,) seconds."""
        return torch.arange(len(self)).double() / MODEL_FRAME_RATE

    @property
    def source(self) -> str:
        """The collection."""
        return folder_of(self.clip) or "."

    @property
    def activity(self) -> str:
        """What the clip's name tells."""
        return activity_of(self.clip)

    def truth(self, body: Body) -> Sequence:
        """As the metrics take it."""
        return self.poses.sequence(body, self.true_camera)


def activity_of(clip: str) -> str:
    """``collection/walk-turn-left_12`` -> ``walk``; ``other`` where the name tells nothing."""
    words = re.split(r"[^a-z]+", clip.lower())
    return next((activity for activity in _ACTIVITIES if any(word.startswith(activity) for word in words)), "other")


# A clip's name and a known motion before the camera -> the window with what a detector says of it.
Observer = Callable[[str, Poses, Generator], Trial]


def draw_trials(
    folder: Path,
    names: list[str],
    body: Body,
    count: int,
    seed: int,
    config: TrialConfig | None = None,
    observer: Observer | None = None,
    up: str = "auto",
    reporter: Reporter | None = None,
) -> list[Trial]:
    """``count`` windows from the clips ``names`` of ``folder``: collections and their activities take turns.

    Seen by the synthetic detector, unless by another ``observer``. ``up``: see :func:`load_mocap`. The same arguments give the
    same windows. Raises InputError where every clip is too short.
    """
    config = config or TrialConfig()
    observer = observer or simulated(body, config)
    generator = Generator().manual_seed(seed)
    strata: dict[tuple[str, str], list[str]] = {}
    for name in names:
        strata.setdefault((folder_of(name), activity_of(name)), []).append(name)
    decks = [[members[i] for i in torch.randperm(len(members), generator=generator)] for members in strata.values()]
    loaded: dict[str, Mocap] = {}
    trials: list[Trial] = []
    while decks and len(trials) < count:
        deck = decks.pop(0)
        name = deck.pop(0)
        mocap = loaded[name] if name in loaded else loaded.setdefault(name, load_mocap(folder, [name], up, reporter))
        if mocap.lengths[0] >= SHORTEST:
            trials.append(observer(name, _window(mocap, body, config, generator), generator))
            deck.append(name)  # comes again, elsewhere and from another side, when the others have had their turn
        if deck:
            decks.append(deck)
    if not trials:
        raise InputError(f"No clip in {folder} has {SHORTEST} frames.", "Give longer motion.")
    return trials


def _window(mocap: Mocap, body: Body, config: TrialConfig, generator: Generator) -> Poses:
    """Some of the only clip of ``mocap``, of a random person before a random camera."""
    clip, length = torch.zeros(1, dtype=torch.long), min(config.longest, int(mocap.lengths[0]))
    first = torch.randint(int(mocap.lengths[0]) - length + 1, (1,), generator=generator)
    six_d, trans = mocap.window(clip, first, torch.ones(1), length)
    rotations, pelvis = view(six_d_to_matrix(six_d), trans, config.camera, generator)
    betas = torch.randn(10, generator=generator)
    return Poses(rotations[0], betas.expand(length, -1), pelvis[0] - body.rest_joints(betas)[0])


def simulated(body: Body, config: TrialConfig) -> Observer:
    """The synthetic detector, and a camera whose focal length the tool does not quite know."""

    def observer(clip: str, poses: Poses, generator: Generator) -> Trial:
        error = uniform(generator, -1, 1, 1) * config.camera.focal_error
        joints, turned, points = placed(body, poses, config.landmarks)
        detections = observe(points[None], joints[None], turned[None], config.detector, generator)[0]
        return trial_of(clip, poses, joints, points, detections, float(error.exp()))

    return observer


def placed(body: Body, poses: Poses, landmarks: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Joints (T, 24, 3), their rotations (T, 24, 3, 3) and COCO keypoints (T, 17, 3), or all 29 landmarks, in camera space."""
    joints, turned = body.joints(poses.rotations, poses.betas)
    points_of = body.landmarks_from_joints if landmarks else body.coco_from_joints
    points = points_of(joints, turned, poses.betas) + poses.trans[:, None]
    return joints + poses.trans[:, None], turned, points


def trial_of(clip: str, poses: Poses, joints: Tensor, points: Tensor, detections: Tensor, focal_ratio: float = 1.0) -> Trial:
    """A window with detections (T, 17 or 29, 3) in rays and confidence. The true focal length is ``focal_ratio`` times what the
    tool assumes, which is the image's diagonal."""
    camera = camera_matrix(*IMAGE_SIZE)
    true_camera = camera.clone()
    true_camera[[0, 1], [0, 1]] *= focal_ratio
    pixels = detections[..., :2] * true_camera.diagonal()[:2] + true_camera[:2, 2]
    unseen = self_occluded(points[None], joints[None])[0] | (detections[..., 2] < TRUSTED)
    keypoints = torch.cat([pixels, detections[..., 2:]], -1)
    return Trial(clip, poses, true_camera, camera, keypoints, unseen[:, COCO_LIMBS])


FILMED_FRAMES = 45  # of a window, as pictures take their time


def filmed(body: Body, people: PeopleOptions) -> Observer:
    """Films the motion, with clothes, a backdrop, blur and things in between, and asks the detector and the landmark network that
    ``people`` names. 0.1 s a frame. The tool knows the focal length. Raises AssetError, UsageError."""
    camera, onlooker = Camera(body), Onlooker.of(people.detector, people.landmarks)

    def observer(clip: str, poses: Poses, generator: Generator) -> Trial:
        joints, _, points = placed(body, poses, landmarks=True)
        dice = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
        shot = shoot(body, poses.rotations, joints[:, 0], poses.betas[0], dice)
        landmarks, _ = onlooker.see(shot, camera.film(shot, dice), MODEL_FRAME_RATE)
        detections = torch.from_numpy(in_rays(shot, landmarks)).float()
        return trial_of(clip, poses, joints, points, detections)

    return observer
