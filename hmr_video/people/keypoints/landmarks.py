"""`see_landmarks`: a second look at the people of a video, each cut out upright, by a network that knows more points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from hmr_video.console import Reporter
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import COCO_FACE, COCO_LIMBS, LANDMARKS
from hmr_video.people.detect.detections import hidden_share
from hmr_video.people.keypoints.crops import crops_of, cut
from hmr_video.people.keypoints.fusion import NOBODY, Witnesses, agreement, fuse
from hmr_video.people.keypoints.network import LandmarkNetwork, Looks
from hmr_video.people.keypoints.sides import settle_left_right
from hmr_video.people.keypoints.widths import STATIONS, widths
from hmr_video.people.track.tracks import People, Track
from hmr_video.video import Chunk, ahead

if TYPE_CHECKING:
    from hmr_video.geometry.silhouettes import Silhouettes

_COMPANY = 0.3  # share of a person's box, or of another's, from which a crop of one shows both
_BORDER = 2  # pixels between a box and the picture's sides in which somebody is whole
_TALL = 150  # pixels of the longer side of a box, below which a silhouette is coarse, and too wide
_AGREED = 0.5  # agreement of the witnesses from which widths are the person's
_CHUNK = 16  # frames, about
_APART = 1 / 15  # seconds between looks, where nobody moves fast
_FAST = 0.15  # movement of a limb between two looks, in the person's size, up to which the straight line is as good as a look
_GAP = 0.15  # seconds without a detection in which a person is still where the track says; later a crop may show anybody


class Reader(Protocol):
    """What `VideoReader` offers."""

    def chunks(self, size: int = 32) -> Iterator[Chunk]: ...


def see_landmarks(
    reader: Reader, people: People, network: LandmarkNetwork, name: str, reporter: Reporter, silhouettes: bool = False
) -> People:
    """People whose evidence is fused from the detector's points and those that a landmark network, called ``name``, sees.

    The video is read once more. A frame that cannot be read again keeps the detector's points.
    ``silhouettes``: tracks shall have them.
    """
    looking = _Looking(network, people, silhouettes)
    looking.look_through(reader, reporter)
    tracks = [
        _fused(track, seen, company, people)
        for track, seen, company in zip(people.tracks, looking.found, in_company(people.tracks), strict=True)
    ]
    return replace(people, tracks=tracks, landmark_network=name)


class _Place(NamedTuple):
    """Where to look: a frame of a person's track, and its image."""

    person: int
    frame: int
    image: Array


@dataclass(frozen=True)
class _Seen:
    """What a network sees of one person over T frames: landmarks (T, 29, 3) and widths (T, S) in pixels of the frame, see
    `Track`, and presence (T,); ``runs`` of silhouettes and the ``crops`` (T, 2, 3) in which they are."""

    landmarks: Array
    presence: Array
    widths: Array
    runs: list[Array]
    crops: Array

    @classmethod
    def nothing(cls, frames: int, crops: Array) -> "_Seen":
        unknown = np.full((frames, len(STATIONS)), np.nan)
        return cls(np.zeros((frames, len(LANDMARKS), 3)), np.zeros(frames), unknown, [np.zeros(0)] * frames, crops)

    def put(self, frame: int, points: Array, presence: float, mask: Array | None, silhouettes: bool) -> None:
        """What was seen in a frame's crop, in its pixels."""
        matrix = self.crops[frame]
        back = (points[:, :2] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        self.landmarks[frame] = np.where(points[:, 2:] > 0, np.column_stack([back, points[:, 2]]), 0)
        self.presence[frame] = presence
        if mask is not None and presence >= NOBODY:
            self.widths[frame] = widths(mask, points) / np.sqrt(np.linalg.det(matrix[:, :2]))
            if silhouettes:
                from hmr_video.geometry.silhouettes import encode  # few want them

                self.runs[frame] = encode(mask)

    def silhouettes(self) -> "Silhouettes | None":
        """Those that were kept."""
        if not any(map(len, self.runs)):
            return None
        from hmr_video.geometry.silhouettes import Silhouettes

        return Silhouettes.of(self.runs, self.crops)

    def is_calm(self, start: int, end: int, track: Track) -> bool:
        """Whether between two frames that were looked at all limbs move so little that they may be taken to move straight."""
        limbs = self.landmarks[[start, end]][:, list(COCO_LIMBS)]
        moved = np.linalg.norm(limbs[1, :, :2] - limbs[0, :, :2], axis=-1)
        size = (track.boxes[start, 2:] - track.boxes[start, :2]).max()
        return bool((limbs[..., 2] > 0).all() and (moved < _FAST * size).all())

    def interpolate(self, start: int, end: int) -> None:
        """Fills the frames between two that were looked at."""
        for frame in range(start + 1, end):
            share = (frame - start) / (end - start)
            self.landmarks[frame] = (1 - share) * self.landmarks[start] + share * self.landmarks[end]
            self.presence[frame] = min(self.presence[start], self.presence[end])


class _Looking:
    """A network that looks at the people of a video, and what was ``found`` of each so far.

    Where people move slowly it looks at some of their frames, the points between moving straight, else at all that are
    ``wanted``, (T,) of each track.
    """

    def __init__(self, network: LandmarkNetwork, people: People, silhouettes: bool) -> None:
        self._network, self._tracks, self._silhouettes = network, people.tracks, silhouettes
        self._every = 1 if silhouettes else max(1, round(_APART * people.frame_rate))
        self._wanted = [within_short_gaps(track.detected, _GAP * people.frame_rate) for track in people.tracks]
        crops = [crops_of(track.keypoints, track.boxes, track.detected, people.frame_rate) for track in people.tracks]
        self.found = [_Seen.nothing(len(crop.sides), crop.matrices(network.size)) for crop in crops]

    def look_through(self, reader: Reader, reporter: Reporter) -> None:
        """Looks at all of the video."""
        looks = ((runs, places, self._look(places)) for runs, places in self._first_places(reader))
        with reporter.progress("Looking closely", int(sum(frames.sum() for frames in self._wanted)), "crops") as advance:
            for runs, places, seen in ahead(looks):
                self._put(places, seen)
                gaps = [run[at : at + self._every + 1] for run in runs for at in range(0, len(run) - 1, self._every)]
                self._fill(gaps)
                advance(sum(len(gap) - 1 for gap in gaps))

    def _first_places(self, reader: Reader) -> Iterator[tuple[list[list[_Place]], list[_Place]]]:
        """For each chunk of the video the places of each person in it, after the last one before it; and those of all, of which
        every so many, to look at."""
        runs: list[list[_Place]] = [[] for _ in self._tracks]
        for chunk in ahead(reader.chunks(self._every * max(1, round(_CHUNK / self._every)))):
            places: list[_Place] = []
            for person, track in enumerate(self._tracks):
                before = runs[person][-1:]
                run = runs[person] = before + [
                    _Place(person, frame, image)
                    for image, frame_id in zip(chunk.frames, chunk.frame_ids, strict=True)
                    if 0 <= (frame := int(frame_id - track.frame_ids[0])) < len(track) and self._wanted[person][frame]
                ]
                if len(run) > len(before):
                    places += run[self._every if before else 0 : -1 : self._every] + run[-1:]
            yield list(runs), places

    def _look(self, places: Sequence[_Place]) -> Looks:
        """What the network sees there."""
        size = self._network.size
        return self._network(cut(place.image, self.found[place.person].crops[place.frame], size) for place in places)

    def _put(self, places: Sequence[_Place], seen: Looks) -> None:
        """Keeps what was seen."""
        masks = [None] * len(places) if seen.silhouettes is None else seen.silhouettes
        for place, points, presence, mask in zip(places, seen.points, seen.presence, masks, strict=True):
            self.found[place.person].put(place.frame, points, float(presence), mask, self._silhouettes)

    def _fill(self, gaps: list[list[_Place]]) -> None:
        """What is between the ends of gaps, which were looked at: the straight line, or where limbs are fast the middle is looked
        at, too, and so on."""
        while gaps:
            eventful = []
            for gap in gaps:
                seen, start, end = self.found[gap[0].person], gap[0].frame, gap[-1].frame
                # Nothing may be in between that is not wanted.
                if end - start < len(gap) and seen.is_calm(start, end, self._tracks[gap[0].person]):
                    seen.interpolate(start, end)
                elif len(gap) > 2:
                    eventful.append(gap)
            middles = [gap[len(gap) // 2] for gap in eventful]
            self._put(middles, self._look(middles))
            gaps = [part for gap in eventful for part in (gap[: len(gap) // 2 + 1], gap[len(gap) // 2 :])]


def within_short_gaps(detected: Array, longest: float) -> Array:
    """``detected`` (T,), and the gaps in it of at most ``longest`` frames; a track begins and ends with a detection."""
    frames = np.flatnonzero(detected)
    gaps = np.diff(frames) - 1
    known = np.asarray(detected).copy()
    for start, gap in zip(frames, gaps, strict=False):
        known[start : start + gap + 1] |= gap <= longest
    return known


def _fused(track: Track, seen: _Seen, company: Array, people: People) -> Track:
    """A track with the evidence of both. The sides of each witness are settled over time first.

    Widths are kept of frames in which the person is large and alone, and both borders of the picture are beside him.
    """
    facing = seen.landmarks.copy()
    facing[:, COCO_FACE, 2] = track.keypoints[:, COCO_FACE, 2]  # the network calls every face visible, turned away or not
    settled = settle_left_right(track.frame_ids, track.boxes, facing, people.frame_rate)
    witnesses = Witnesses(track.keypoints, settled, seen.presence, track.boxes, company)
    agreed = agreement(witnesses)
    cut_off = (track.boxes[:, 0] < _BORDER) | (track.boxes[:, 2] > people.image_size[0] - _BORDER)
    tall = (track.boxes[:, 2:] - track.boxes[:, :2]).max(1) >= _TALL
    measurable = tall & ~(company | cut_off) & (agreed > _AGREED)
    return replace(
        track,
        landmarks=fuse(witnesses),
        agreement=agreed,
        widths=np.where(measurable[:, None], seen.widths, np.nan),
        silhouettes=seen.silhouettes(),
    )


def in_company(tracks: Sequence[Track]) -> list[Array]:
    """For each track (T,) in which frames somebody else covers it, or is covered by it."""
    found = [np.zeros(len(track), bool) for track in tracks]
    for person, track in enumerate(tracks):
        for other in (other for other in tracks if other is not track):
            _, mine, theirs = np.intersect1d(track.frame_ids, other.frame_ids, return_indices=True)
            found[person][mine] |= hidden_share(track.boxes[mine], other.boxes[theirs]) > _COMPANY
    return found
