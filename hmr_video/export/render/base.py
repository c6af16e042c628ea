"""What a renderer is, and which one works here."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.geometry import Array

RENDERER_NAMES = ("auto", "pyrender", "software")
GL_PLATFORMS = ("egl", "osmesa")
PROBE_SECONDS = 60.0


class Mesh(NamedTuple):
    """A closed surface whose faces turn anticlockwise, seen from outside.

    Attributes:
        vertices: (V, 3) metres in camera space (x right, y down, z forward).
        faces: (F, 3) integers.
        colour: (3,) or, per vertex, (V, 3); red, green, blue in 0..1 before lighting.
    """

    vertices: Array
    faces: Array
    colour: Array | Sequence[float]


class Renderer(Protocol):
    """Draws meshes over a picture. Meshes hide each other, and themselves, by depth."""

    name: str

    def draw(self, image: Array, meshes: Sequence[Mesh], camera_matrix: Array) -> Array:
        """A copy of ``image`` (H, W, 3) uint8 with the lit meshes on it, seen through ``camera_matrix`` (3, 3) in pixels."""
        ...


def choose_renderer(name: str, reporter: Reporter) -> Renderer:
    """The renderer called ``name``, one of ``RENDERER_NAMES``; says which one was taken.

    "auto" takes pyrender where a graphics card and a working OpenGL are found. Without a card our own rasteriser is the
    faster one. Raises UsageError for an unknown name, and for "pyrender" where no OpenGL works.
    """
    if name not in RENDERER_NAMES:
        raise UsageError(f"There is no renderer called {name}.", f"Choose one of {', '.join(RENDERER_NAMES)}.")
    platform = None
    if name == "pyrender" or (name == "auto" and has_graphics_card()):
        platform = working_gl_platform()
    if platform is not None:
        from hmr_video.export.render.opengl import PyrenderRenderer

        reporter.say(f"Rendering with pyrender (OpenGL through {platform}).")
        return PyrenderRenderer(platform)
    if name == "pyrender":
        raise UsageError(
            "pyrender finds no OpenGL that works here (neither EGL nor OSMesa).",
            "Install libegl1 or libosmesa6, or use --renderer software.",
        )
    from hmr_video.export.render.software import SoftwareRenderer

    reporter.say("Rendering with our own rasteriser (software).")
    return SoftwareRenderer()


def has_graphics_card() -> bool:
    """Whether Linux offers a graphics card to programs without a display."""
    return Path("/dev/nvidia0").exists() or any(Path("/dev/dri").glob("renderD*"))


def working_gl_platform() -> str | None:
    """The first of ``GL_PLATFORMS`` that draws, tried in a process of its own because a broken driver may abort it."""
    chosen = os.environ.get("PYOPENGL_PLATFORM")
    if chosen is None and "OpenGL" in sys.modules:
        return None  # PyOpenGL is bound to a window system already and cannot be bound again
    program = "from hmr_video.export.render.opengl import PyrenderRenderer; PyrenderRenderer.probe({!r})"
    for platform in [chosen] if chosen else GL_PLATFORMS:
        try:
            done = subprocess.run(
                [sys.executable, "-c", program.format(platform)], capture_output=True, timeout=PROBE_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return platform
    return None
