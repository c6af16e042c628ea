"""What the tool sees of windows of known motion that we film: a trial without any simulated detection."""

import numpy as np
import torch
from torch import Generator

from hmr_video.body import Body
from hmr_video.evaluate.trials import Observer, Poses, Trial, placed, trial_of
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.options import PeopleOptions
from hmr_video.synth.film.filming import Camera, shoot
from hmr_video.synth.film.footage import Onlooker, in_rays

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
