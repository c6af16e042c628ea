// Curves of joint angles under the stage (left solid, right dashed), and the timeline.

const PLOTS = [
  { title: "Knee flexion", left: "left_knee_flexion", right: "right_knee_flexion" },
  { title: "Hip flexion", left: "left_hip_flexion", right: "right_hip_flexion" },
  { title: "Shoulder elevation", left: "left_shoulder_elevation", right: "right_shoulder_elevation" },
  { title: "Elbow flexion", left: "left_elbow_flexion", right: "right_elbow_flexion" },
  { title: "Trunk flexion", middle: "trunk_flexion" },
];
const SIDES = { left: "L ", right: "R ", middle: "" };

function styleOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Fits a canvas to its box; returns its context, cleared and in CSS pixels.
function cleared(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas.parentElement;
  const ratio = window.devicePixelRatio;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

// Dragging on `element` calls seek with seconds.
function scrubbing(element, clock) {
  const seek = (event) => {
    const box = element.getBoundingClientRect();
    clock.seek(((event.clientX - box.left) / box.width) * clock.duration);
  };
  let resume = false;
  element.addEventListener("pointerdown", (event) => {
    resume = clock.playing;
    if (resume) clock.pause();
    element.setPointerCapture(event.pointerId);
    seek(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) seek(event);
  });
  element.addEventListener("pointerup", () => {
    if (resume) clock.play();
  });
}

class Plot {
  constructor(parent, description, clock) {
    this.description = description;
    this.clock = clock;
    this.element = document.createElement("div");
    this.element.className = "plot";
    this.element.innerHTML = "<canvas></canvas><label></label><output></output>";
    this.element.querySelector("label").textContent = description.title;
    this.canvas = this.element.querySelector("canvas");
    this.output = this.element.querySelector("output");
    parent.append(this.element);
    scrubbing(this.element, clock);
  }

  draw(person, time) {
    const { context, width, height } = cleared(this.canvas);
    const curves = Object.keys(SIDES)
      .filter((side) => side in this.description)
      .map((side) => [side, person.angles[this.description[side]]]);
    let low = Infinity;
    let high = -Infinity;
    for (const [, values] of curves) {
      for (const value of values) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    const room = Math.max(20 - (high - low), 0) / 2 + 2; // at least 20 degrees, so that noise looks like noise
    low -= room;
    high += room;
    const x = (seconds) => (seconds / this.clock.duration) * width;
    const y = (value) => 18 + (1 - (value - low) / (high - low)) * (height - 20);
    context.strokeStyle = styleOf("--line");
    context.lineWidth = 1;
    if (low < 0 && high > 0) line(context, 0, y(0), width, y(0));
    context.strokeStyle = this.ink(person);
    for (const [side, values] of curves) {
      context.lineWidth = side === "right" ? 1.1 : 1.7;
      context.setLineDash(side === "right" ? [4, 3] : []);
      context.beginPath();
      const step = Math.max(1, Math.floor(values.length / (2 * width)));
      for (let i = 0; i < values.length; i += step) context.lineTo(x(person.times[i]), y(values[i]));
      context.lineTo(x(person.lastTime + 1 / scene.frameRate), y(values[values.length - 1])); // of a photograph it is all
      context.stroke();
    }
    context.setLineDash([]);
    const index = indexAt(person.times, time + 1e-4);
    context.fillStyle = context.strokeStyle;
    for (const [, values] of curves) {
      if (person.present(time)) disc(context, x(person.times[index]), y(values[index]), 2.5);
    }
    context.strokeStyle = styleOf("--text");
    context.globalAlpha = 0.4;
    line(context, x(time), 16, x(time), height);
    context.globalAlpha = 1;
    const told = (value) => (person.present(time) ? `${Math.round(value)}°` : "–");
    this.output.textContent = curves.map(([side, values]) => SIDES[side] + told(values[index])).join("  ");
  }

  // The person's colour, moved towards the text's so that thin lines can be read.
  ink(person) {
    return new THREE.Color(person.color).lerp(new THREE.Color(styleOf("--text")), 0.35).getStyle();
  }
}

class Timeline {
  constructor(element, people, clock) {
    this.element = element;
    this.people = people;
    this.clock = clock;
    this.canvas = element.querySelector("canvas");
    scrubbing(element, clock);
  }

  // A bar per person, fainter where the result is less certain, and the playhead.
  draw(time) {
    const { context, width, height } = cleared(this.canvas);
    const x = (seconds) => (seconds / this.clock.duration) * width;
    context.fillStyle = styleOf("--line");
    context.globalAlpha = 0.55;
    context.fillRect(0, 3, width, height - 6);
    const lane = (height - 8) / this.people.length;
    const gap = Math.min(2, lane / 4);
    this.people.forEach((person, row) => {
      context.fillStyle = person.color;
      const step = Math.max(1, Math.floor(person.times.length / width));
      for (let i = 0; i < person.times.length; i += step) {
        const next = person.times[Math.min(i + step, person.times.length - 1)] || 0;
        const end = i + step < person.times.length ? next : person.times[i] + 1 / scene.frameRate;
        context.globalAlpha = (person.visible ? 1 : 0.3) * (0.2 + 0.65 * person.confidence[i]);
        context.fillRect(x(person.times[i]), 4 + row * lane + gap / 2, x(end) - x(person.times[i]) + 0.3, lane - gap);
      }
    });
    context.globalAlpha = 1;
    context.fillStyle = styleOf("--text");
    context.fillRect(x(time) - 1, 0, 2, height);
    this.element.setAttribute("aria-valuemin", "0");
    this.element.setAttribute("aria-valuemax", this.clock.duration.toFixed(2));
    this.element.setAttribute("aria-valuenow", time.toFixed(2));
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
