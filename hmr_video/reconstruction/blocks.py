"""A long track in blocks, so that the memory of its refinement is bounded."""

from collections.abc import Callable

import torch

from hmr_video.geometry.rotations import slerp
from hmr_video.reconstruction.person import Estimate, Evidence


def refine_long(
    track: Evidence, solve: Callable[[list[Evidence], bool], list[Estimate]], fixed_shape: bool, block: int, overlap: int
) -> Estimate:
    """The refined body of a long track: the shape from the block seen best, blended where blocks overlap.

    ``solve``: refines tracks, their shapes too unless the second argument says that those stay. ``block``: frames from the
    beginning of one to that of the next, with which it shares ``overlap`` more.
    """
    starts = list(range(0, len(track) - overlap, block))
    stops = [*(start + block + overlap for start in starts[:-1]), len(track)]
    betas = track.estimate.betas
    if not fixed_shape:
        trust = track.keypoints[..., 2].mean(-1)
        best = max(zip(starts, stops, strict=True), key=lambda span: float(trust[slice(*span)].mean()))
        betas = solve([_cut(track, *best, betas)], False)[0].betas
    whole = solve([_cut(track, starts[0], stops[0], betas)], True)[0]
    for start, stop in zip(starts[1:], stops[1:], strict=True):
        whole = _joined(whole, solve([_cut(track, start, stop, betas)], True)[0], overlap)
    return whole


def _cut(track: Evidence, start: int, stop: int, betas: torch.Tensor) -> Evidence:
    """The frames from ``start`` to before ``stop``, with ``betas`` for the shape."""
    piece = Estimate(track.estimate.rotations[start:stop], betas, track.estimate.trans[start:stop])
    stage = None if track.stage is None else track.stage[start:stop]
    return Evidence(piece, track.keypoints[start:stop], track.timestamps[start:stop], stage)


def _joined(before: Estimate, after: Estimate, overlap: int) -> Estimate:
    """Two estimates whose last and first ``overlap`` frames are the same frames, faded into each other there."""
    weight = torch.linspace(0, 1, overlap + 2)[1:-1]
    rotations = slerp(before.rotations[-overlap:], after.rotations[:overlap], weight[:, None])
    trans = torch.lerp(before.trans[-overlap:], after.trans[:overlap], weight[:, None])
    return Estimate(
        torch.cat([before.rotations[:-overlap], rotations, after.rotations[overlap:]]),
        before.betas,
        torch.cat([before.trans[:-overlap], trans, after.trans[overlap:]]),
    )
