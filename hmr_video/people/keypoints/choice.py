"""Which landmark network looks at people: what the user names, or the best that this machine has or can have, chosen once."""

from dataclasses import dataclass
from pathlib import Path

from hmr_video.assets import find_model_file, get_model_file, is_offline, models_folder
from hmr_video.console import Reporter
from hmr_video.errors import AssetError, HmrVideoError
from hmr_video.files import cache_folder, replacing
from hmr_video.options import check_landmarks

NONE = "none"
MISSING = "missing"  # could not be fetched
NETWORKS = {"blazepose": "blazepose-heavy", "blazepose-full": "blazepose-full"}  # by option, the model file; the best first
BROUGHT = {"rtmpose": "rtmpose.onnx"}  # by option, a file that users put beside the model files


@dataclass(frozen=True)
class Choice:
    """A landmark network: its ``name``, as results state it, and its file."""

    name: str
    path: Path


def choose_landmarks(wanted: str, reporter: Reporter) -> Choice | None:
    """The network that ``wanted`` means, fetched if it must be; None for none. Raises AssetError, UsageError.

    ``auto`` is what it was before on this machine; the first time the best that is here, or else that can be fetched. Where none
    can, it is none, and no more is fetched until the user does.
    """
    check_landmarks(wanted)
    if wanted == NONE:
        return None
    if wanted in NETWORKS:
        return Choice(NETWORKS[wanted], get_model_file(NETWORKS[wanted], reporter))
    if wanted != "auto":
        return _brought(models_folder() / BROUGHT[wanted] if wanted in BROUGHT else Path(wanted))
    before = stored_choice()
    if before == NONE:
        return None
    if before is not None and before != MISSING:
        return Choice(before, get_model_file(before, reporter))
    found = _best_here()
    if found is None and before is None and not is_offline():
        found = _best_fetched(reporter)
        store_choice(MISSING)
    if found is None:
        reporter.note(
            "People's limbs are the detector's alone: no landmark network is here. `hmr-video weights get blazepose-heavy` "
            "brings one, which makes results better."
        )
        return None
    store_choice(found.name)
    reporter.say(f"Landmarks: {found.name}, from now on (--landmarks changes it for a run)")
    return found


def _brought(path: Path) -> Choice:
    if not path.is_file():
        raise AssetError(
            f"There is no file {path}.",
            "Put a landmark network there (of RTMPose, end2end.onnx of MMPose's archives), or leave --landmarks out.",
        )
    return Choice(path.name, path)


def settled(wanted: str, reporter: Reporter) -> str:
    """``wanted`` with ``auto`` replaced by what it means here and now, so that all workers of a batch do the same.

    Raises AssetError, UsageError.
    """
    chosen = choose_landmarks(wanted, reporter)
    if wanted != "auto":
        return wanted
    return NONE if chosen is None else next(option for option, name in NETWORKS.items() if name == chosen.name)


def known_file(wanted: str) -> Path | None:
    """The file on this machine of the network that ``wanted`` means; None for none, or for one that is not here."""
    if wanted in BROUGHT:
        return models_folder() / BROUGHT[wanted]
    name = stored_choice() if wanted == "auto" else NETWORKS.get(wanted, wanted)
    if name is None or name in (NONE, MISSING):
        return None
    return find_model_file(name) if name in NETWORKS.values() else Path(name)


def stored_choice() -> str | None:
    """The model file that ``auto`` means on this machine, or NONE, or MISSING; None before the first choice."""
    path = _memory()
    name = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    return name if name in (*NETWORKS.values(), NONE, MISSING) else None


def store_choice(name: str) -> None:
    """Makes ``name`` what ``auto`` means on this machine."""
    with replacing(_memory(), overwrite=True) as temporary:
        temporary.write_text(name + "\n", encoding="utf-8")


def _memory() -> Path:
    return cache_folder() / "landmarks.txt"


def _best_here() -> Choice | None:
    here = ((name, find_model_file(name)) for name in NETWORKS.values())
    return next((Choice(name, path) for name, path in here if path is not None), None)


def _best_fetched(reporter: Reporter) -> Choice | None:
    for name in NETWORKS.values():
        try:
            return Choice(name, get_model_file(name, reporter))
        except HmrVideoError:  # offline, or behind a wall: the next one may lie elsewhere
            continue
    return None
