// The numbers of the page: one JSON header, and one block of bytes that it points into.

const SCALES = { int16: 32767, uint8: 255, uint16: 65535 };
const KINDS = { float32: Float32Array, int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

function decodeBase64(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

const scene = JSON.parse(document.getElementById("scene-data").textContent);
const block = decodeBase64(document.getElementById("array-data").textContent).buffer;

// An array as it is stored.
function stored({ offset, length, type }) {
  return new KINDS[type](block, offset, length);
}

// An array of real numbers: integers are fractions of their range, times the array's scale.
function real(reference) {
  const values = stored(reference);
  if (reference.type === "float32") return values;
  const factor = reference.scale / SCALES[reference.type];
  return Float32Array.from(values, (value) => value * factor);
}

// The last index i with times[i] <= time; 0 before the first.
function indexAt(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}
