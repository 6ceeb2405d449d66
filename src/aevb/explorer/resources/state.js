"use strict";
// What the page shows, in one object; views redraw in the next frame when something that they show has changed.

const MODELS = JSON.parse(document.getElementById("models").textContent);
const state = {
  run: 0, // index into MODELS
  z: [0, 0], // the point that is decoded
  x: new Float32Array(0), // the image that is encoded
  image: 0, // index of the chosen test image, -1 for a drawing
  label: 0, // the class that a conditional model is given
  drawing: false, // whether the brush is on the paper
  follow: true, // whether z follows the mean of q(z|x)
  background: "posterior", // that the user chose, see drawnBackground
  ellipses: false,
  axes: [0, 1], // of the plane
  show: "mean",
  seed: 1, // of drawn pictures
  dimension: 0, // of the traversal
  ends: [0, 1], // of the interpolation: test images
};
const current = { info: MODELS[0], model: null, q: null, answer: null, points: null, images: null, gridProgress: 0 };

const views = [];
const changed = new Set();
let frame = 0;

// view(changes): called in a frame after any of `keys` has changed.
function show(keys, view) {
  views.push({ keys, view });
}

function update(values, ...others) {
  for (const [key, value] of Object.entries(values)) {
    state[key] = value;
    changed.add(key);
  }
  for (const key of others) changed.add(key);
  if (!frame) frame = requestAnimationFrame(redraw);
}

function redraw() {
  frame = 0;
  const changes = new Set(changed);
  changed.clear();
  if (!current.model) return;
  for (const { keys, view } of views) if (keys.some((key) => changes.has(key))) view(changes);
}

function redrawAll() {
  while (changed.size) redraw(); // a view may change what another one shows
}

// The worker: one request of a kind at a time, the newest waits, those between are never sent. The worker is told that one
// waits, so that it ends early what takes long.
const requests = {};
let worker = null, nextNumber = 1;

function startWorker() {
  const source = ["arithmetic", "worker"].map((id) => document.getElementById(id).textContent).join("\n");
  worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => {
    if (data.number === undefined) {
      current.gridProgress = data.progress;
      update({}, "grid");
      return;
    }
    const request = requests[data.kind], { done } = request.sent;
    request.sent = null;
    if (request.waiting) send(data.kind);
    done(data.answer, data.error);
  };
  worker.onerror = (event) => reportError(event.message || "the worker did not start");
}

function ask(kind, payload, done) {
  const request = (requests[kind] ??= { sent: null, waiting: null }), run = state.run; // an answer about another run is not shown
  const finished = (answer, error) => {
    if (run !== state.run) return;
    if (error) reportError(error);
    else if (answer) done(answer);
  };
  request.waiting = { payload, done: finished };
  if (!request.sent) send(kind);
  else worker.postMessage({ kind, number: nextNumber++ });
}

function send(kind) {
  const request = requests[kind];
  request.sent = request.waiting;
  request.waiting = null;
  worker.postMessage({ kind, number: nextNumber++, payload: request.sent.payload });
}

function reportError(message) {
  document.getElementById("selftest").textContent = `Error: ${message}. log p(x) and the self-test are not available.`;
  document.getElementById("selftest").className = "failed";
}
