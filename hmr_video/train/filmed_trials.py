"""The real detector on windows of known motion that we film: a trial without any simulated detection."""

import numpy as np
import torch
from torch import Generator

from hmr_video.body import Body
from hmr_video.people.detector import Detector
from hmr_video.people.options import PeopleOptions
from hmr_video.train.filming import LONGEST_SIDE, Camera, shoot
from hmr_video.train.footage import rays_of
from hmr_video.train.trials import Observer, Poses, Trial, placed, trial_of

FILMED_FRAMES = 45  # of a window, as pictures take their time


def filmed(body: Body, detector: str) -> Observer:
    """Films the motion, with clothes, a backdrop, blur and things in between, and asks the ``detector``. 0.1 s a frame.

    The tool knows the focal length.
    """
    camera, people = Camera(body), PeopleOptions(detector=detector, image_size=LONGEST_SIDE)

    def observer(clip: str, poses: Poses, generator: Generator) -> Trial:
        joints, _, points = placed(body, poses)
        dice = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
        shot = shoot(body, poses.rotations, joints[:, 0], poses.betas[0], dice)
        detections = torch.from_numpy(rays_of(shot, Detector(people)(camera.film(shot, dice)))).float()
        return trial_of(clip, poses, joints, points, detections)

    return observer
