"""Which frame a file or picture is, by the numbers in its name."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from hmr_video.errors import InputError

_NO_FRAME = 1_000_000  # nine hours at 30 a second
_ONE_VIEW = "Give the files of one view of one video, in a folder of their own."


def frame_numbers(names: Sequence[str], where: str) -> tuple[list[int], list[str]]:
    """A number for each name, and notes. Raises InputError where two names have the same, as of several views.

    Of several numbers in a name, the one that differs in every name is the frame's: 12 in ``000012_view1`` and ``2_clip_000012``.
    """
    groups = [re.findall(r"[0-9]+", name) for name in names]
    if not any(groups):
        order = {name: position for position, name in enumerate(sorted(names))}
        if len(order) < len(names):
            raise InputError(f"{where}: there are two frames called {_twice(names)}.", _ONE_VIEW)
        return [order[name] for name in names], [f"Nothing numbers the frames of {where}: they are in the order of their names."]
    if not all(groups):
        odd = names[[bool(group) for group in groups].index(False)]
        raise InputError(f"{where}: {odd} has no frame number in its name, as others have.", "Take it away, or number it.")
    if len({len(group) for group in groups}) > 1:
        groups = [group[-1:] for group in groups]
    columns = np.array([[int(text) for text in group] for group in groups], dtype=object)
    own = [place for place in range(columns.shape[1]) if len(set(columns[:, place])) == len(names)]
    if not own:
        place = max(range(columns.shape[1]), key=lambda each: len(set(columns[:, each])))
        number = _twice(list(columns[:, place]))
        same = [name for name, value in zip(names, columns[:, place], strict=True) if value == number]
        raise InputError(f"{where} holds frame {number} twice: {same[0]} and {same[1]}.", _ONE_VIEW)
    # Of times and frames, both in the name, frames lie closer; of one file alone, the longest number is the frame's.
    chosen = min(own, key=lambda each: (max(columns[:, each]) - min(columns[:, each]), -len(groups[0][each]), -each))
    return [int(number) for number in columns[:, chosen]], []


def from_zero(numbers: Sequence[int], where: str) -> tuple[list[int], list[str]]:
    """Numbers of all frames of a video, counted from 0; those that begin with 1 are taken to count from 1.

    So are those that begin where no frame of a video has its number, as where a date stands before it.
    """
    low, high = min(numbers, default=0), max(numbers, default=0)
    if low == 1 or (low >= _NO_FRAME and high - low < 2 * len(numbers)):
        return [number - low for number in numbers], [f"The frames of {where} are counted from {low}: it is the video's first."]
    return list(numbers), []


def _twice(values: Sequence[object]) -> object:
    return Counter(values).most_common(1)[0][0]
