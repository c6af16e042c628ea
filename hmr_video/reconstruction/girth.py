"""How stout a person is: one view of joints does not say, the widths of a silhouette do.

The shape is moved along one direction, in which the body grows in volume while its limbs stay as long as they are, until it is as
wide as the person is seen to be. Each width counts by the median of its logarithm over frames, so that wrong poses of single
frames do not matter, and by its deviation from body to body, part of which all share: scale is not known exactly.
"""

import numpy as np
import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.geometry import Array
from hmr_video.geometry.cameras import project
from hmr_video.people.keypoints.widths import STATIONS
from hmr_video.reconstruction.person import Estimate

FEWEST_FRAMES, FEWEST_STATIONS = 3, 3  # in which a width must be seen; that girth needs
MOST_FRAMES = 16  # of all, evenly
ACROSS = 0.8  # share of its length with which a limb must lie across the view
FAR_OFF = 0.6  # logarithm of the widths' ratio from which something else is seen
COMMON = 0.05  # deviation of the logarithms of all of a person's widths together: of scale, pose and clothes
LOOSE = 4.0  # times the variance of a width that exceeds what is expected: clothes stand off the body, never into it
SPREAD = 1.0  # of people along the direction
ROUNDS = 2  # of Newton's method
_REWEIGHTED = 5  # times
_SLAB = 0.02  # metres to either side of a station, in which vertices count as its
# Joints, or pairs of them, whose distances stay: thighs, shins, upper arms, forearms, hips, shoulders, trunk.
_KEPT = (([1], [4]), ([4], [7]), ([16], [18]), ([18], [20]), ([1], [2]), ([16], [17]), ([1, 2], [16, 17]))
_STIFF = 0.001  # of such a distance, what a unit may change it by


def with_girth(estimate: Estimate, widths: Array, camera_matrix: Tensor, body: Body) -> Estimate:
    """The estimate as stout as the person is seen to be; as it is where too little is seen.

    widths: (T, S) pixels at `STATIONS`, NaN where unknown. The pelvis stays where it is, and so does the pose.
    """
    frames = np.flatnonzero(np.isfinite(widths).any(1))
    if len(frames) > MOST_FRAMES:
        frames = frames[np.linspace(0, len(frames) - 1, MOST_FRAMES).round().astype(int)]
    direction, betas, moved = girth_direction(body), estimate.betas, 0.0
    for _ in range(ROUNDS):
        step = _step(_moved(estimate, betas, body), frames, widths[frames], direction, camera_matrix, body, moved)
        if step is None:
            return estimate
        moved += step
        betas = estimate.betas + moved * direction
    return _moved(estimate, betas, body)


def girth_direction(body: Body) -> Tensor:
    """(10,) the unit vector of shape numbers along which a body grows in volume most while its limbs stay as long as they are."""
    units = torch.cat([torch.zeros(1, 10), torch.eye(10)])
    vertices, joints = (points.double().numpy() for points in body.rest(units))
    corners = vertices[:, body.faces]
    volume = np.abs(np.einsum("sfi,sfi->s", corners[:, :, 0], np.cross(corners[:, :, 1], corners[:, :, 2])))
    lengths = np.stack([np.linalg.norm(joints[:, a].mean(1) - joints[:, b].mean(1), axis=-1) for a, b in _KEPT], -1)
    growth, change = volume[1:] / volume[0] - 1, (lengths[1:] / lengths[0] - 1).T  # (10,), (7, 10)
    direction = np.linalg.solve(change.T @ change / _STIFF**2 + np.eye(10), growth)
    return torch.from_numpy(direction / np.linalg.norm(direction)).float()


def _moved(estimate: Estimate, betas: Tensor, body: Body) -> Estimate:
    """With other betas, the pelvis where it was."""
    shift = body.rest_joints(estimate.betas)[0] - body.rest_joints(betas)[0]
    return Estimate(estimate.rotations, betas, estimate.trans + shift)


def _step(
    estimate: Estimate, frames: Array, wanted: Array, direction: Tensor, camera_matrix: Tensor, body: Body, moved: float
) -> float | None:
    """How far along the direction the body must go to be as wide as is ``wanted`` (F, S), one step of Newton's method.

    None where too little is seen. ``moved``: how far it has gone already, which counts against the spread of people.
    """
    now, then = (
        _widths_of(_moved(estimate, estimate.betas + size * direction, body), frames, camera_matrix, body) for size in (0, 1)
    )
    missing = np.log(wanted) - np.log(now) - [station.margin for station in STATIONS]
    missing[~(np.abs(missing) < FAR_OFF) | np.isnan(then)] = np.nan
    measured = np.isfinite(missing).sum(0) >= FEWEST_FRAMES
    if measured.sum() < FEWEST_STATIONS:
        return None
    missing, effect = missing[:, measured], np.where(np.isfinite(missing), np.log(then) - np.log(now), np.nan)[:, measured]
    residual, effect = np.nanmedian(missing, 0), np.nanmedian(effect, 0)
    deviation = np.array([station.deviation for station in STATIONS])[measured]
    step = 0.0
    for _ in range(_REWEIGHTED):
        loose = np.where(residual > step * effect, LOOSE, 1.0)
        pull = effect @ np.linalg.inv(np.diag(loose * deviation**2) + COMMON**2)
        step = float((pull @ residual - moved / SPREAD**2) / (pull @ effect + 1 / SPREAD**2))
    return step


def _widths_of(estimate: Estimate, frames: Array, camera_matrix: Tensor, body: Body) -> Array:
    """(F, S) the widths in pixels of the body in some frames; NaN where a limb does not lie across the view."""
    chosen = torch.from_numpy(frames)
    rotations, betas = estimate.rotations[chosen], estimate.betas.reshape(1, 10)
    with torch.inference_mode():
        place = estimate.trans[chosen, None]
        vertices = body.vertices(rotations, betas)[0] + place
        points = body.coco_keypoints(rotations, betas) + place
        pixels = project(vertices, camera_matrix).numpy()
    places, seen = points.numpy(), project(points, camera_matrix).numpy()
    owner, focal = body.weights.argmax(1).numpy(), float(camera_matrix[0, 0])
    found = np.full((len(frames), len(STATIONS)), np.nan)
    for number, station in enumerate(STATIONS):
        own = pixels[:, np.isin(owner, station.joints)]  # (F, V, 2)
        start, end = (seen[:, ends].mean(1) for ends in (list(station.start), list(station.end)))
        near, far = (places[:, ends].mean(1) for ends in (list(station.start), list(station.end)))
        metre = focal / (near[:, 2] + station.share * (far - near)[:, 2])  # pixels
        length = np.linalg.norm(end - start, axis=1)
        along = (end - start) / np.maximum(length, 1e-6)[:, None]
        from_middle = own - (start + station.share * (end - start))[:, None]
        within = np.abs(np.einsum("fvc,fc->fv", from_middle, along)) < _SLAB * metre[:, None]
        side = from_middle[..., 1] * along[:, None, 0] - from_middle[..., 0] * along[:, None, 1]
        width = np.where(within, side, -np.inf).max(1) - np.where(within, side, np.inf).min(1)
        usable = (length > ACROSS * metre * np.linalg.norm(far - near, axis=1)) & (width > 0)
        found[usable, number] = width[usable]
    return found
