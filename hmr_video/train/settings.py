"""A run's settings as text: read from TOML, written as JSON beside the run's state, compared when the run goes on.

A file has the fields of :class:`~hmr_video.train.config.TrainConfig` as keys, and its parts as tables:

    frame_steps = 4500
    [objective]
    velocity = 20.0
    [synthetic]
    augment = false        # false leaves an optional part out
    [synthetic.detector]
    swap = 0.1
"""

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hmr_video.errors import UsageError
from hmr_video.files import replacing
from hmr_video.train.config import TrainConfig

Table = dict[str, Any]
FILE_NAME = "config.json"
# What may change between the lives of a run, its weights being the same; data and start are compared by content.
FREE = ("mocap", "tracks", "filmed", "state", "start", "device", "threads", "log_every", "save_every", "validate_every")


def shipped() -> dict[str, Path]:
    """The configurations that come with the package, by name."""
    return {path.stem: path for path in Path(__file__).parent.glob("*.toml")}


def read_table(name: str) -> Table:
    """The table in a TOML file, or in a shipped one by name. Relative paths in it are meant from the file's folder.

    Raises UsageError.
    """
    path = Path(name) if Path(name).is_file() else shipped().get(name)
    if path is None:
        raise UsageError(f"There is no configuration {name}.", f"Name a TOML file, or one of ours: {', '.join(shipped())}.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}.", "Mend it; https://toml.io tells how TOML is written.") from error
    for key in ("mocap", "tracks", "filmed", "state", "start"):
        if isinstance(table.get(key), str):
            table[key] = str(path.parent / table[key])
    return table


def parse_assignment(text: str) -> Table:
    """``synthetic.detector.swap=0.1`` -> the nested table it stands for; a text needs no quotes. Raises UsageError."""
    key, equals, value = text.partition("=")
    for written in (value, json.dumps(value)) if equals else ():
        with suppress(tomllib.TOMLDecodeError):
            return tomllib.loads(f"{key} = {written}")
    raise UsageError(f"{text} sets nothing.", "Write KEY=VALUE, as in objective.velocity=20.")


def merge(tables: Iterable[Mapping[str, Any]]) -> Table:
    """One table of several; the later ones win, key by key."""
    merged: Table = {}
    for table in tables:
        for key, value in table.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = merge([merged[key], value]) if both else value
    return merged


def build_config(table: Mapping[str, Any]) -> TrainConfig:
    """The configuration that a table describes; what it leaves out is as :class:`TrainConfig` has it. Raises UsageError."""
    config: TrainConfig = _build(TrainConfig, table, "")
    return config


def _build(kind: type, table: Mapping[str, Any], where: str) -> Any:
    """A dataclass from a table. ``where`` is the table's dotted name with a dot behind it."""
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            raise UsageError(f"The configuration has no key {where}{key}.", _near(key, hints))
    for field in dataclasses.fields(kind):
        if field.name not in table and field.default is field.default_factory is dataclasses.MISSING:
            raise UsageError(f"{where}{field.name} is not set.", "Set it in the configuration or on the command line.")
    return kind(**{key: _convert(value, hints[key], f"{where}{key}") for key, value in table.items()})


def _convert(value: Any, hint: Any, name: str) -> Any:
    """A TOML value as the type that a field is annotated with. Raises UsageError."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union) and NoneType in parts:
        meant = next(part for part in parts if part is not NoneType)
        return None if value is None or value is False else _convert(value, meant, name)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return _build(hint, value, f"{name}.")  # type: ignore[arg-type]
    if origin is dict and isinstance(value, Mapping):
        return {key: _convert(each, parts[1], f"{name}.{key}") for key, each in value.items()}
    if origin is tuple and isinstance(value, list):
        kinds = parts[:1] * len(value) if parts[1:] == (Ellipsis,) else parts
        if len(value) == len(kinds):
            return tuple(_convert(each, kind, name) for each, kind in zip(value, kinds, strict=True))
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint is Path and isinstance(value, str | Path):
        return Path(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    raise UsageError(f"{name} is {value!r}.", f"Give it as {_described(hint)}.")


def _described(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
    if get_origin(hint) is tuple:
        return f"a list of {len(get_args(hint))} values"
    return names.get(hint, "a table")


def _near(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"It knows {', '.join(known)}."


def plain(config: TrainConfig) -> Table:
    """The configuration as JSON holds it."""
    table: Table = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    return table


def refuse_other_config(config: TrainConfig, data: Mapping[str, Any]) -> None:
    """Raises UsageError when the run in ``config.state`` was begun with other settings or ``data`` that matter to its weights."""
    path = config.state / FILE_NAME
    if not path.exists():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}.", f"Delete it to go on, or {config.state} to begin anew.") from error
    differing = sorted(set(_flat(before)).symmetric_difference(_flat(_record(config, data))))
    names = list(dict.fromkeys(name for name, _ in differing if name not in FREE))
    if names:
        was, now = dict(_flat(before)), dict(_flat(_record(config, data)))
        changes = ", ".join(f"{name} ({was.get(name, 'absent')}, now {now.get(name, 'absent')})" for name in names[:5])
        raise UsageError(
            f"The run in {config.state} was begun with other settings: {changes}{', ...' if len(names) > 5 else ''}.",
            f"Set them back, use another --name, or delete {path} to go on with the new ones regardless.",
        )


def write_config(config: TrainConfig, data: Mapping[str, Any]) -> None:
    """Writes the settings in force, and what identifies the ``data``, beside the run's state. Raises OutputError."""
    with replacing(config.state / FILE_NAME, overwrite=True) as temporary:
        temporary.write_text(json.dumps(_record(config, data), indent=2) + "\n", encoding="utf-8")


def _record(config: TrainConfig, data: Mapping[str, Any]) -> Table:
    return plain(config) | {"data": dict(data)}


def _flat(table: Mapping[str, Any], where: str = "") -> list[tuple[str, str]]:
    """Dotted names and JSON values of all leaves."""
    leaves: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            leaves += _flat(value, f"{where}{key}.")
        else:
            leaves.append((f"{where}{key}", json.dumps(value)))
    return leaves
