"use strict";
// Rows of images: an interpolation, a traversal of one dimension, and samples.

const STEPS = 11;

function strip(id, pictures, onClick) {
  const row = $(id);
  while (row.children.length > pictures.length) row.lastChild.remove();
  while (row.children.length < pictures.length) {
    const at = row.children.length, canvas = element("canvas", { "aria-hidden": "true" });
    const button = element("button", { type: "button" }, canvas, element("span"));
    button.addEventListener("click", () => row.choose?.(at));
    row.append(button);
  }
  row.choose = onClick;
  pictures.forEach(({ values, text, name }, at) => {
    const button = row.children[at];
    paint(button.firstChild, values, current.info);
    button.lastChild.textContent = text;
    button.setAttribute("aria-label", text ? `${text}, ${name}` : name);
    button.disabled = !onClick;
  });
}

const mix = (a, b, t) => Array.from(a, (v, i) => (1 - t) * v + t * b[i]);
const logPriorText = (z) => {
  const value = logPrior(current.model.prior, z);
  return number(value, value > -100 ? 2 : 1);
};
const goTo = (z) => update({ z: Array.from(z), follow: false });

show(["ends", "model"], () => {
  const [a, b] = state.ends, { x, q } = current.images, steps = [...Array(STEPS).keys()].map((s) => s / (STEPS - 1));
  const path = steps.map((t) => mix(q[a].mean, q[b].mean, t));
  const pictures = path.map((z, s) => ({
    values: pictureOf(z, "mean", 0),
    text: `${logPriorText(z)}${s === 0 ? "\nA" : s === STEPS - 1 ? "\nB" : ""}`,
    name: `step ${s} of the interpolation in z, log p(z)`,
  }));
  strip("in-z", pictures, (s) => goTo(path[s]));
  strip("in-x", steps.map((t) => ({ values: Float32Array.from(mix(x[a], x[b], t)), text: "", name: `mean of the pixels, ${Math.round(100 * t)} %` })), null);
});

// Nine images are too many for every frame of a drag.
let traversalTimer = 0;
show(["dimension", "z", "model"], () => {
  clearTimeout(traversalTimer);
  traversalTimer = setTimeout(traverse, 80);
});

function traverse() {
  const j = state.dimension, middle = current.info.centre[j], away = Math.ceil(2 * Math.abs(state.z[j] - middle)) / 2;
  const end = Math.max(current.model.prior ? current.info.radius : 3, away); // z is within the range
  const values = [...Array(9).keys()].map((s) => middle + end * (s / 4 - 1));
  const path = values.map((v) => state.z.map((old, k) => (k === j ? v : old)));
  $("dimension").value = j;
  strip("traversal", path.map((z, s) => ({ values: pictureOf(z, "mean", 0), text: number(values[s]), name: `z${subscript(j + 1)}` })), (s) => goTo(path[s]));
}

// From the prior: the same seed gives the same z. From q(z|x): what the decoder makes of the image's own posterior.
show(["seed", "x", "model", "drawing"], (changes) => {
  const J = current.info.latent_dim, q = current.q, draws = { prior: [], posterior: [] };
  for (let s = 0; s < 12; s++) {
    const normal = normals(mixed(state.seed, s + 1)), eps = Array.from({ length: J }, normal);
    draws.prior.push(drawPrior(current.model.prior, uniforms(mixed(state.seed, -s - 2))(), eps));
    draws.posterior.push(eps.map((e, j) => q.mean[j] + Math.exp(q.logVar[j] / 2) * e));
  }
  for (const [name, path] of Object.entries(draws)) {
    if (name === "prior" && !changes.has("seed") && !changes.has("model")) continue;
    if (name === "posterior" && state.drawing) continue;
    strip(`from-${name}`, path.map((z, s) => ({ values: pictureOf(z, "mean", 0), text: "", name: `sample ${s + 1} of ${name === "prior" ? "p(z)" : "q(z|x)"}` })), (s) => goTo(path[s]));
  }
});

$("set-a").addEventListener("click", () => setEnd(0));
$("set-b").addEventListener("click", () => setEnd(1));
function setEnd(which) {
  const ends = [...state.ends];
  if (state.image >= 0) ends[which] = state.image;
  else say("Choose a test image first");
  update({ ends });
}
$("dimension").addEventListener("change", () => update({ dimension: +$("dimension").value }));
$("again").addEventListener("click", () => update({ seed: (state.seed + 1) % 1e9 }));
