"""The web page: what is in it, and how it behaves in a real browser."""

import base64
import io
import json
import os
import re
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from hmr_video.errors import InputError, OutputError
from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import continuous_quaternions, place
from hmr_video.video.writer import VideoWriter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def clip(tmp_path_factory, motions):
    """A video of 30 frames in the size of the made-up results."""
    path = tmp_path_factory.mktemp("clip") / "walk & <turn>.mp4"
    width, height = (int(length) for length in motions[0].image_size)
    with VideoWriter(path, motions[0].frame_rate, (width, height)) as writer:
        for number in range(30):
            writer.write(np.full((height, width, 3), 40 + 5 * number, np.uint8))
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory, motions, body, clip):
    (path,) = export(motions, body, tmp_path_factory.mktemp("page"), ["html"], ExportOptions(video=clip))
    return path


def test_the_page_holds_everything_and_asks_nobody(page):
    text = page.read_text(encoding="utf-8")
    assert "{{" not in text.replace("${", "")
    assert not re.search(r"<(script|link|img|video)[^>]*(src|href)=[\"'](?!data:)", text)
    assert "default-src 'none'" in text
    assert "<title>walk &amp; &lt;turn&gt;</title>" in text
    assert "Permission is hereby granted, free of charge" in text  # three.js' notice goes with it
    assert page.stat().st_size < 2_000_000


def test_the_motion_survives_its_packing(page, motions, body):
    text = page.read_text(encoding="utf-8")
    scene = json.loads(re.search(r'id="scene-data">(.*?)</script>', text, re.S).group(1))
    data = base64.b64decode(re.search(r'id="array-data">(.*?)</script>', text, re.S).group(1))

    def array(reference):
        values = np.frombuffer(data, reference["type"], reference["length"], reference["offset"])
        return values * reference["scale"] / 32767 if "scale" in reference else values

    assert scene["duration"] == pytest.approx(30 / 25)
    assert len(array(scene["frameTimes"])) == 30
    for person, motion in zip(scene["people"], motions, strict=True):
        actor = place(motion, body)
        quaternions = array(person["quaternions"]).reshape(-1, 24, 4)
        np.testing.assert_allclose(quaternions, continuous_quaternions(actor.rotations), atol=1e-4)
        np.testing.assert_allclose(array(person["pelvis"]).reshape(-1, 3), actor.pelvis, atol=1e-5)
        np.testing.assert_allclose(array(person["restVertices"]).reshape(-1, 3), actor.rest_vertices, atol=1e-4)
        np.testing.assert_allclose(array(person["times"]), motion.timestamps, atol=1e-6)  # the clip starts at 0


def test_a_wrong_video_is_refused_and_leaves_nothing(motions, body, clip, tmp_path):
    larger = [motion.replace(image_size=np.array([1280, 960])) for motion in motions]
    with pytest.raises(InputError, match="640 x 480"):
        export(larger, body, tmp_path, ["html"], ExportOptions(video=clip))
    assert not list(tmp_path.iterdir())


def test_a_long_video_lies_beside_the_page(motions, body, clip, tmp_path, monkeypatch):
    monkeypatch.setattr("hmr_video.export.webpage.EMBEDDED_BYTES", 100)
    paths = export(motions, body, tmp_path, ["html"], ExportOptions(video=clip))
    assert [path.name for path in paths] == ["view.html", "view.mp4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["view.html", "view.mp4"]
    assert '"path": "view.mp4"' in paths[0].read_text(encoding="utf-8")
    paths[0].unlink()
    with pytest.raises(OutputError, match=r"view\.mp4 exists"):
        export(motions, body, tmp_path, ["html"], ExportOptions(video=clip))
    assert [path.name for path in tmp_path.iterdir()] == ["view.mp4"]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None or shutil.which("chromedriver") is None:
        assert not os.environ.get("CI"), "CI installs chromium and chromium-driver"
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "headless=new", "no-sandbox", "disable-gpu", "use-angle=swiftshader", "enable-unsafe-swiftshader",
        "disable-background-networking", "disable-component-update", "disable-dev-shm-usage", "no-first-run",
        "window-size=800,600",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.mark.slow
def test_it_plays_scrubs_and_shows_bodies(browser, page):
    browser.get(page.as_uri())
    _until(lambda: browser.execute_script("return document.querySelector('video').readyState") >= 2)
    _until(lambda: _colored(_stage(browser)) > 3000)

    # The first person, alone at first, is a body: tall, and gone when hidden.
    shown = _stage(browser)
    rows = np.flatnonzero(_blue(shown).sum(1) > 2)
    assert np.ptp(rows) > 0.4 * len(shown)
    _press(browser, "1")
    _until(lambda: _colored(_stage(browser)) < 50)
    _press(browser, "1")
    _until(lambda: _colored(_stage(browser)) > 3000)

    # Scrubbing: the time follows the pointer, the video and the bodies follow the time.
    _click_timeline(browser, 0.5)
    _until(lambda: abs(_seconds(browser) - 0.6) < 0.05)
    _until(lambda: abs(browser.execute_script("return document.querySelector('video').currentTime") - 0.6) < 0.05)
    _until(lambda: np.abs(_stage(browser).astype(int) - shown).max() > 60)
    frame, before = browser.find_element("id", "frame").text, _seconds(browser)
    _press(browser, "\ue014")  # arrow right
    _until(lambda: browser.find_element("id", "frame").text != frame)
    assert _seconds(browser) == pytest.approx(before + 1 / 25, abs=0.011)

    # Playing: picture and bodies go on together.
    _click_timeline(browser, 0.0)
    browser.find_element("id", "speed").send_keys("0.25")
    _press(browser, " ")
    _until(lambda: _seconds(browser) > 0.2)
    assert not browser.execute_script("return document.querySelector('video').paused")
    _press(browser, " ")
    _until(lambda: browser.execute_script("return document.querySelector('video').paused"))
    _until(lambda: abs(browser.execute_script("return document.querySelector('video').currentTime") - _seconds(browser)) < 0.01)
    assert _seconds(browser) > 0.1

    # Every other key and button does its work without a complaint.
    for key in "gsftcvdlg":
        _press(browser, key)
        time.sleep(0.1)
    assert browser.execute_script("return document.documentElement.dataset.theme") in ("dark", "light")
    assert _complaints(browser) == []
    asked = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in asked if not name.startswith(("blob:", "data:"))] == []


@pytest.mark.slow
def test_it_needs_no_video(browser, motions, body, tmp_path):
    (path,) = export(motions, body, tmp_path, ["html"])
    browser.get(path.as_uri())
    _until(lambda: _colored(_stage(browser)) > 3000)
    before = _seconds(browser)
    _press(browser, " ")
    _until(lambda: _seconds(browser) != before)
    assert not browser.find_element("id", "source").is_displayed()
    assert _complaints(browser) == []


@pytest.mark.slow
def test_a_video_beside_the_page_plays_from_disk(browser, motions, body, clip, tmp_path, monkeypatch):
    monkeypatch.setattr("hmr_video.export.webpage.EMBEDDED_BYTES", 100)
    path, _ = export(motions, body, tmp_path, ["html"], ExportOptions(video=clip))
    browser.get(path.as_uri())
    _until(lambda: browser.execute_script("return document.querySelector('video').readyState") >= 2)
    assert _complaints(browser) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 400, 760])
def test_everything_is_within_reach_on_a_phone(browser, motions, body, clip, tmp_path, width):
    many = [motions[index % 2] for index in range(7)]
    named = clip.with_name("a name that is far too long for the top of a small telephone.mp4")
    named.write_bytes(clip.read_bytes())
    (path,) = export(many, body, tmp_path, ["html"], ExportOptions(video=named))
    size = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(path.as_uri())
        _until(lambda: browser.execute_script("return document.querySelectorAll('.person').length") == 7)
        assert browser.execute_script("return document.documentElement.scrollWidth") == width
        outside = browser.execute_script(
            "return [...document.querySelectorAll('button, select, output, h1, #timeline')].filter((element) => {"
            "  const box = element.getBoundingClientRect();"
            "  return box.width && (box.left < 0 || box.right > innerWidth || box.bottom > innerHeight);"
            "}).map((element) => element.outerHTML)"
        )
        assert outside == []
        stage = browser.execute_script("return document.querySelector('#stage').getBoundingClientRect().toJSON()")
        assert min(stage["width"], stage["height"]) > 200  # pixels are left for the people
        browser.find_element("id", "help").click()
        dialog = browser.execute_script("return document.querySelector('dialog').getBoundingClientRect().toJSON()")
        assert dialog["left"] >= 0
        assert dialog["right"] <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page did not get there"
        time.sleep(0.1)


def _press(browser, key: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(key).perform()


def _click_timeline(browser, fraction: float) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    element = browser.find_element("id", "timeline")
    offset = round((fraction - 0.5) * element.size["width"]) + (1 if fraction == 0 else 0)
    ActionChains(browser).move_to_element_with_offset(element, offset, 0).click().perform()


def _seconds(browser) -> float:
    minutes, seconds = browser.find_element("id", "time").text.split(" / ")[0].split(":")
    return 60 * int(minutes) + float(seconds)


def _stage(browser) -> np.ndarray:
    """The 3D view as pixels (H, W, 3)."""
    image = browser.find_element("css selector", "#stage canvas").screenshot_as_png
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))


def _blue(image: np.ndarray) -> np.ndarray:
    """Where the first person's colour is; the surroundings are grey."""
    red, _, blue = np.moveaxis(image.astype(int), -1, 0)
    return blue - red > 45


def _colored(image: np.ndarray) -> int:
    return int(_blue(image).sum())


def _complaints(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
