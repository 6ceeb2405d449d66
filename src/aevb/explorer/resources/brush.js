"use strict";
// The paper: x is drawn with a soft brush, by mouse, pen, finger or keys.

const pad = { canvas: $("pad"), undo: [], last: null, cursor: [0, 0], cursorShown: false };
const UNDO_STEPS = 30;

function stamp(x, column, row) {
  const [rows, columns] = current.info.shape, [low, high] = current.info.range, erase = $("erase").checked;
  const radius = Math.max(0.8, columns / 22); // of the brush in pixels: MNIST's strokes are two or three wide
  for (let r = Math.max(0, Math.floor(row - radius - 1)); r <= Math.min(rows - 1, row + radius + 1); r++) {
    for (let c = Math.max(0, Math.floor(column - radius - 1)); c <= Math.min(columns - 1, column + radius + 1); c++) {
      const ink = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(c + 0.5 - column, r + 0.5 - row))), at = r * columns + c;
      const value = (x[at] - low) / (high - low);
      x[at] = low + (erase ? Math.min(value, 1 - ink) : Math.max(value, ink)) * (high - low);
    }
  }
}

function stroke(from, to) {
  const x = state.x.slice(), steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
  for (let s = 1; s <= steps; s++) stamp(x, from[0] + ((to[0] - from[0]) * s) / steps, from[1] + ((to[1] - from[1]) * s) / steps);
  update({ x, image: -1 });
}

function remember() {
  pad.undo.push({ x: state.x, image: state.image, label: state.label });
  if (pad.undo.length > UNDO_STEPS) pad.undo.shift();
}

// A drawing has the levels that fit in a link, so that the link gives the same numbers.
function finishDrawing() {
  update({ x: ofLevels(levelsOf(state.x, current.info.range), current.info.range), drawing: false, image: -1 });
}

const pixelAt = (x, y) => [x * current.info.shape[1], y * current.info.shape[0]];
followPointer(pad.canvas, {
  start(x, y) {
    remember();
    pad.cursorShown = false;
    pad.last = pixelAt(x, y);
    update({ drawing: true, follow: true });
    stroke(pad.last, pad.last);
  },
  move(x, y) {
    if (!pad.last) return;
    const to = pixelAt(x, y);
    stroke(pad.last, to);
    pad.last = to;
  },
  end() {
    if (pad.last) finishDrawing();
    pad.last = null;
  },
});

pad.canvas.addEventListener("keydown", (event) => {
  const [rows, columns] = current.info.shape, moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if ((event.ctrlKey || event.metaKey) && event.key === "z") return event.preventDefault(), undo();
  if (moves[event.key]) {
    pad.cursor = pad.cursor.map((v, i) => Math.max(0, Math.min((i ? rows : columns) - 1, v + moves[event.key][i])));
    pad.cursorShown = true;
    update({}, "cursor");
  } else if (event.key === " ") {
    remember();
    const at = pad.cursor.map((v) => v + 0.5);
    stroke(at, at);
    update({ follow: true });
    finishDrawing();
  } else return;
  event.preventDefault();
  say(`Column ${pad.cursor[0] + 1}, row ${pad.cursor[1] + 1}`);
});

function undo() {
  const before = pad.undo.pop();
  if (before) setClass(before.label, { x: before.x, image: before.image, follow: true });
}

function clearPad() {
  remember();
  update({ x: new Float32Array(state.x.length).fill(current.info.range[0]), image: -1, follow: true });
}

// Moves the ink's centre of mass to the middle, by whole pixels, as MNIST's images were.
function centre() {
  const [rows, columns] = current.info.shape, low = current.info.range[0], x = state.x;
  let mass = 0, across = 0, down = 0;
  x.forEach((v, d) => {
    mass += v - low;
    across += (v - low) * (d % columns);
    down += (v - low) * Math.floor(d / columns);
  });
  if (mass <= 0) return;
  const dx = Math.round((columns - 1) / 2 - across / mass), dy = Math.round((rows - 1) / 2 - down / mass);
  const moved = x.map((_, d) => {
    const c = (d % columns) - dx, r = Math.floor(d / columns) - dy;
    return c >= 0 && c < columns && r >= 0 && r < rows ? x[r * columns + c] : low;
  });
  remember();
  update({ x: moved, image: -1, follow: true });
}

show(["x", "model", "cursor"], () => {
  paint(pad.canvas, state.x, current.info);
  if (!pad.cursorShown) return;
  const context = pad.canvas.getContext("2d");
  context.fillStyle = "rgba(255, 160, 0, 0.8)";
  context.fillRect(...pad.cursor, 1, 1);
});
pad.canvas.addEventListener("blur", () => {
  pad.cursorShown = false;
  update({}, "cursor");
});
$("clear").addEventListener("click", clearPad);
$("undo").addEventListener("click", undo);
$("centre").addEventListener("click", centre);
