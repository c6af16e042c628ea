"""Hands that meet in the picture meet in the result.

What smooths a body rounds off the instant at which hands clap, and one view hardly tells how far each is away: hands stay apart
that are seen to touch. Where the picture shows them come together and part again, both arms reach for each other, by half of what
is between them, for that moment; before and after it nothing changes but what the smoothing took.
"""

from typing import NamedTuple

import numpy as np

from hmr_video.body import Body
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import KNUCKLES
from hmr_video.geometry.stretches import stretches
from hmr_video.reconstruction.person import Person

_COLLARS = (13, 14)
_SEEN = 0.3  # confidence of all knuckles
_MEET = 0.045  # metres between the hands in the picture, at the person's distance, below which they may touch;
_REBOUNDS = 0.02  # metres by which they may be farther apart in a frame beside a rebound, at most;
_BLUR = 2.0  # pixels by which they may be farther apart, as they are seen no better
_APART = 0.14  # metres at which they surely do not
_STRAIGHT = 0.002  # metres from the middle of the frames beside it, within which nobody looked at a frame
_NEAR = 0.15  # metres between the hands in the result beyond what smoothing leaves, above which one only passes before the other
_TALL = 90  # pixels of a person, of whom the picture shows that much
_MOMENT = 0.5  # seconds before or after, in which hands that meet are apart
_REBOUND = 0.13  # seconds before and after, in which they are on the same side of each other
_HELD = 0.3  # seconds from which hands that meet hold each other: they may part as they like
_TOUCH = 0.03  # metres between the bones of palms that touch
# Seconds before and after in which what is missing is made up for: across the view, which was rounded off, and along it.
_EASE_ACROSS, _EASE_ALONG = 0.12, 0.4


class Meeting(NamedTuple):
    """Frames ``start`` to before ``end`` in which hands touch."""

    start: int
    end: int


def join_hands(person: Person, body: Body) -> Person:
    """The person, in camera space, with hands that meet where they are seen to; hands keep their turns."""
    estimate, skeleton = person.estimate, person.skeleton(body)
    points = body.landmarks_from_joints(*skeleton, estimate.betas.double().expand(len(person), -1)).numpy()
    joints, turned = (values.numpy() for values in skeleton)
    left, right = (points[:, list(fingers)].mean(1) for fingers in KNUCKLES)
    seen = _seen_between(person, (left + right)[:, 2] / 2)
    meetings = find_meetings(person, joints[:, 0, 2], left - right, seen)
    if not meetings:
        return person
    from hmr_video.world.leg_ik import ELBOWS, SHOULDERS, WRISTS, Legs, inverse  # most hands never meet

    missing = _missing(left - right, seen, (left + right) / 2, meetings, person.timestamps)
    arms = Legs.arms(joints, turned)
    reached = arms.towards(arms.ankles + np.stack([missing, -missing], 1) / 2)
    new = estimate.rotations.double().numpy().copy()
    new[:, SHOULDERS] = inverse(turned[:, _COLLARS]) @ reached.thighs
    new[:, ELBOWS] = inverse(reached.thighs) @ reached.shins
    new[:, WRISTS] = inverse(reached.shins) @ turned[:, WRISTS]
    return person.reposed(new, estimate.trans)


def find_meetings(person: Person, depth: Array, between: Array, seen: Array) -> list[Meeting]:
    """Where hands touch that are ``between`` (T, 3) metres apart in the result, ``seen`` (T, 2) in the picture (NaN where not).

    ``depth``: (T,) metres of the person from the camera.

    They come together after having been apart, or part after; and unless they hold each other for a while, they do not pass by:
    each is on the same side of the other before and after.
    """
    times, apart, boxes = person.timestamps, np.linalg.norm(seen, axis=1), person.track.boxes
    pixel = depth / float(person.camera_matrix[0, 0])  # metres
    tall = (boxes[:, 3] - boxes[:, 1]) * person.zoom > _TALL
    close = (np.nan_to_num(apart - _between_frames(apart), nan=np.inf) < _MEET + _BLUR * pixel) & tall
    close[1:-1] |= close[:-2] & close[2:]
    close &= ~np.isnan(apart)
    found = []
    for start, end in stretches(close):
        nearest = start + int(apart[start:end].argmin())
        before = slice(np.searchsorted(times, times[start] - _MOMENT), start)
        after = slice(end, np.searchsorted(times, times[end - 1] + _MOMENT, side="right"))
        part = np.concatenate([apart[before], apart[after]])
        beside = _just_beside(times, start, end)
        smoothed = np.nanmean(apart[beside[0].start : beside[1].stop])
        if not (part > _APART).any() or np.linalg.norm(between[nearest]) > smoothed + _NEAR:
            continue
        if times[end - 1] - times[start] < _HELD:
            sides = [_mean(seen[around]) for around in beside]
            if not sides[0] @ sides[1] > 0:
                continue
        found.append(Meeting(int(start), int(end)))
    return found


def _seen_between(person: Person, depth: Array) -> Array:
    """(T, 2) metres from the right hand's knuckles to the left's across the view, NaN where they are not seen."""
    points = np.asarray(person.track.landmarks, np.float64)
    left, right = (points[:, list(fingers), :2].mean(1) for fingers in KNUCKLES)
    focal = person.camera_matrix.diagonal()[:2].numpy()
    sure = np.asarray(points[:, np.ravel(KNUCKLES), 2].min(1) > _SEEN)
    return _with_tips(np.where(sure[:, None], (left - right) * depth[:, None] / focal, np.nan))


def _with_tips(seen: Array) -> Array:
    """What is ``seen`` (T, 2) without the tips that straight lines between two looks cut off: where a frame is but the middle of
    its neighbours, both sides go on as they came, and meet."""
    mended = seen.copy()
    for frame in range(3, len(seen) - 3):
        before, after = seen[frame - 1], seen[frame + 1]
        tip = (1.5 * (before + after) - 0.5 * (seen[frame - 3] + seen[frame + 3])) / 2
        between = np.linalg.norm(seen[frame] - (before + after) / 2) < _STRAIGHT
        if between and np.linalg.norm(tip) < np.linalg.norm(seen[frame]):
            mended[frame] = tip
    return mended


def _between_frames(apart: Array) -> Array:
    """(T,) by how much nearer what is ``apart`` (T,) may come before or after a frame: what rebounds there is half a frame's way
    from where it turned, at most. Little, as what is seen of fast hands is noise of that size."""
    rebound = np.zeros_like(apart)
    rebound[1:-1] = (apart[:-2] + apart[2:] - 2 * apart[1:-1]) / 4
    return np.nan_to_num(rebound).clip(0, _REBOUNDS)


def _missing(between: Array, seen: Array, middle: Array, meetings: list[Meeting], times: Array) -> Array:
    """(T, 3) metres by which the left hand must move against the right one."""
    view = middle / np.linalg.norm(middle, axis=1, keepdims=True)
    needed, touching = np.zeros_like(between), np.zeros(len(times), bool)
    for start, end in meetings:
        apart = np.linalg.norm(seen[start:end], axis=1)
        has = np.linalg.norm(between[start:end], axis=1)
        wanted = np.minimum(_TOUCH + apart - apart.min(), has)
        needed[start:end] = (wanted / has - 1)[:, None] * between[start:end]
        touching[start:end] = True
    along = (needed * view).sum(1)
    across = needed - along[:, None] * view
    frames = np.flatnonzero(touching)
    since = np.abs(times[:, None] - times[frames])
    nearest, since = frames[since.argmin(1)], since.min(1)
    faded = across[nearest] * (1 - since / _EASE_ACROSS).clip(0)[:, None]
    ease = (1 - since / _EASE_ALONG).clip(0)
    gentle = np.interp(times, times[frames], along[frames]) * ease**2 * (3 - 2 * ease)
    return np.asarray(faded + gentle[:, None] * view)


def _just_beside(times: Array, start: int, end: int) -> tuple[slice, slice]:
    """The frames just before a meeting and just after."""
    first = min(int(np.searchsorted(times, times[start] - _REBOUND)), max(start - 1, 0))
    last = max(int(np.searchsorted(times, times[end - 1] + _REBOUND, side="right")), end + 1)
    return slice(first, start), slice(end, last)


def _mean(vectors: Array) -> Array:
    """(2,) of those that are known; NaN where none is."""
    known = vectors[~np.isnan(vectors).any(1)]
    return np.asarray(known.mean(0)) if len(known) else np.full(2, np.nan)
