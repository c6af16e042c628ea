"""The person's size: on another body than the model learnt, or as the user knows it."""

import torch

from hmr_video.body import Body
from hmr_video.body.size import fit_betas
from hmr_video.reconstruction.person import Estimate


def stature(body: Body, betas: torch.Tensor) -> float:
    """Height in metres of the body at rest, from the lowest to the highest vertex; betas (10,)."""
    vertices, _ = body.rest(betas)
    return float(vertices[:, 1].max() - vertices[:, 1].min())


def with_height(estimate: Estimate, height: float, body: Body) -> Estimate:
    """The same person, ``height`` metres tall: the first shape parameter set for it, the distance scaled to keep the image.

    Beta 0 is the one that is stature in the open body and in SMPL.
    """
    betas = estimate.betas.clone()
    now = stature(body, betas)
    for _ in range(20):  # almost linear; secant steps
        step = betas.clone()
        step[0] += 0.1
        slope = (stature(body, step) - stature(body, betas)) / 0.1
        betas[0] += (height - stature(body, betas)) / slope
        if abs(stature(body, betas) - height) < 1e-4:
            break
    return Estimate(estimate.rotations, betas, estimate.trans * (height / now))


def on_body(estimate: Estimate, source: Body, target: Body) -> Estimate:
    """The same person with the ``target`` body: as large as with ``source``, the pelvis where it was."""
    betas = fit_betas(source, estimate.betas, target)
    shift = source.rest_joints(estimate.betas)[0] - target.rest_joints(betas)[0]
    return Estimate(estimate.rotations, betas, estimate.trans + shift)
