// The page: puts clock, people, stage and plots together, and listens to buttons and keys.

const $ = (selector) => document.querySelector(selector);
const ICONS = {
  play: '<svg viewBox="0 0 16 16"><path d="M4 2l9.5 6L4 14z"/></svg>',
  pause: '<svg viewBox="0 0 16 16"><path d="M3.5 2h3v12h-3zM9.5 2h3v12h-3z"/></svg>',
  theme: '<svg viewBox="0 0 16 16"><path d="M8 1a7 7 0 100 14A7 7 0 008 1zm0 1.6v10.8A5.4 5.4 0 018 2.6z"/></svg>',
};

const people = scene.people.map((data, number) => new Person(data, scene.body, number));
const video = prepareVideo();
const clock = new Clock(video, real(scene.frameTimes), scene.duration);
const stage = new Stage($("#stage canvas"), people);
const timeline = new Timeline($("#timeline"), people, clock);
const plots = PLOTS.map((description) => new Plot($("#plots"), description, clock));
const state = { ghosts: false, focus: people[0], drawn: "", last: performance.now() };

function prepareVideo() {
  const element = $("#source video");
  if (!scene.video) {
    $("#source").hidden = true;
    return null;
  }
  const ratio = scene.camera.width / scene.camera.height;
  $("#source").style.flexBasis = `min(50%, ${(ratio * 62).toFixed(1)}vh)`;
  element.loop = true;
  element.addEventListener("error", () => {
    clock.dropVideo();
    $("#source").innerHTML = "<p>This browser cannot show the video. The people play without it.</p>";
    $("#screen").hidden = true;
  });
  const bytes = scene.video.embedded ? decodeBase64($("#video-data").textContent) : null;
  element.src = bytes ? URL.createObjectURL(new Blob([bytes], { type: "video/mp4" })) : scene.video.path;
  return element;
}

const MOST_NAMES = 4; // more people are told apart by their numbers alone, so that they fit above the stage

function addPersonButtons() {
  for (const person of people) {
    const chip = document.createElement("div");
    chip.className = "person";
    chip.style.setProperty("--person", person.color);
    chip.innerHTML = '<button aria-label="show or hide"><span class="dot"></span></button><button></button>';
    const [eye, name] = chip.children;
    eye.title = `Show or hide (${person.number + 1})`;
    eye.onclick = () => togglePerson(person);
    name.textContent = people.length > MOST_NAMES ? person.number + 1 : person.name;
    name.setAttribute("aria-label", person.name);
    name.title = "Plot this person's angles";
    name.onclick = () => focusOn(person);
    person.chip = chip;
    $("#people").append(chip);
  }
}

function togglePerson(person) {
  person.visible = !person.visible;
  showPeople();
}

function focusOn(person) {
  state.focus = person;
  showPeople();
}

function showPeople() {
  for (const person of people) {
    person.chip.classList.toggle("off", !person.visible);
    person.chip.classList.toggle("focus", person === state.focus && people.length > 1);
    person.chip.firstElementChild.setAttribute("aria-pressed", String(person.visible));
  }
  refresh();
}

// Draws everything again, although time stands still.
function refresh() {
  state.drawn = "";
  stage.wake(20);
}

function pressed(selector, value) {
  $(selector).setAttribute("aria-pressed", String(value));
  refresh();
}

function toggleGhosts() {
  state.ghosts = !state.ghosts;
  pressed("#ghosts", state.ghosts);
}

function toggleFollow() {
  stage.following = !stage.following;
  pressed("#follow", stage.following);
}

function toggleScreen() {
  if (!stage.screen) return;
  stage.screen.visible = !stage.screen.visible;
  if (stage.screen.visible) VIEWS.camera();
  pressed("#screen", stage.screen.visible);
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  stage.setTheme(name);
  refresh();
}

function toggleTheme() {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

function changeSpeed(by) {
  const select = $("#speed");
  select.selectedIndex = Math.min(Math.max(select.selectedIndex + by, 0), select.options.length - 1);
  clock.setRate(Number(select.value));
}

// The direction that the person in focus faces now, about y, 0 towards +z.
function facing() {
  const quaternion = state.focus.figure.bones[0].quaternion;
  const forward = new THREE.Vector3(0, 0, 1).applyQuaternion(quaternion);
  return Math.atan2(forward.x, forward.z);
}

const VIEWS = {
  camera: () => stage.lookThroughCamera(clock.time),
  front: () => stage.look(clock.time, facing(), 0.08),
  side: () => stage.look(clock.time, facing() + Math.PI / 2, 0.08),
  top: () => stage.look(clock.time, cameraSide(), 1.5),
};

// The side of the people that the source camera is on, as an angle about y.
function cameraSide() {
  const origin = new THREE.Vector3().setFromMatrixPosition(stage.worldFromCamera);
  const away = origin.sub(stage.middle(clock.time, new THREE.Vector3()));
  return Math.atan2(away.x, away.z);
}

const KEYS = {
  " ": () => clock.toggle(),
  ArrowLeft: (event) => (event.shiftKey ? clock.seek(clock.time - 1) : clock.step(-1)),
  ArrowRight: (event) => (event.shiftKey ? clock.seek(clock.time + 1) : clock.step(1)),
  ArrowUp: () => changeSpeed(1),
  ArrowDown: () => changeSpeed(-1),
  Home: () => clock.seek(0),
  End: () => clock.seek(clock.duration),
  c: VIEWS.camera,
  f: VIEWS.front,
  s: VIEWS.side,
  t: VIEWS.top,
  l: toggleFollow,
  g: toggleGhosts,
  v: toggleScreen,
  d: toggleTheme,
  "?": () => $("#keys").showModal(),
};

function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("#keys").open) return;
    const digit = /^Digit([1-9])$/.exec(event.code);
    const person = digit && people[Number(digit[1]) - 1];
    const action = person ? () => (event.shiftKey ? focusOn(person) : togglePerson(person)) : KEYS[event.key] || KEYS[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
  for (const [name, view] of Object.entries(VIEWS)) $(`#view-${name}`).onclick = view;
  $("#follow").onclick = toggleFollow;
  $("#ghosts").onclick = toggleGhosts;
  $("#screen").onclick = toggleScreen;
  $("#theme").onclick = toggleTheme;
  $("#help").onclick = KEYS["?"];
  $("#play").onclick = () => clock.toggle();
  $("#speed").onchange = () => clock.setRate(Number($("#speed").value));
  for (const element of [...document.querySelectorAll("button"), $("#speed")]) {
    element.addEventListener("click", () => element.blur()); // so that space plays
    element.addEventListener("change", () => element.blur());
  }
  $("#theme").innerHTML = ICONS.theme;
  window.addEventListener("resize", refresh);
}

function clockText(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

// Only what changed is drawn: a page at rest costs nothing.
function drawPanels() {
  const now = `${clock.time.toFixed(4)} ${clock.playing} ${state.ghosts}`;
  if (now === state.drawn) return;
  state.drawn = now;
  timeline.draw(clock.time);
  for (const plot of plots) plot.draw(state.focus, clock.time);
  $("#time").textContent = `${clockText(clock.time)} / ${clockText(clock.duration)}`;
  $("#frame").textContent = `frame ${scene.firstFrame + indexAt(clock.frames, clock.time + 1e-4)}`;
  const icon = clock.playing ? "pause" : "play";
  if ($("#play").dataset.icon !== icon) {
    $("#play").dataset.icon = icon;
    $("#play").innerHTML = ICONS[icon];
  }
}

function draw(now) {
  const elapsed = (now - state.last) / 1000;
  state.last = now;
  clock.tick();
  for (const person of people) person.pose(clock.time, state.ghosts);
  drawPanels();
  stage.draw(clock.time, elapsed);
  requestAnimationFrame(draw);
}

addPersonButtons();
listen();
setTheme(window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
showPeople();
clock.seek(Math.min(...people.map((person) => person.firstTime)));
stage.resize(true);
for (const person of people) person.pose(clock.time, false);
stage.look(clock.time, cameraSide() + 0.4, 0.2);
if (scene.roaming) toggleFollow();
if (video && scene.video.embedded) {
  stage.addScreen(video, scene.screenDepth);
  $("#screen").hidden = false;
}
requestAnimationFrame(draw);
