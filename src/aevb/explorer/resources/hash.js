"use strict";
// The state in the address: #run=0&z=0.31,-1.2&image=3 or, for a drawing, &x= with 16 grey levels a pixel.

const LEVELS = 15; // a drawing has levels 0, ..., 15

// Grey levels of x in [0, 15].
const levelsOf = (x, [low, high]) => Array.from(x, (v) => Math.max(0, Math.min(LEVELS, Math.round(((v - low) / (high - low)) * LEVELS))));
const ofLevels = (levels, [low, high]) => Float32Array.from(levels, (v) => low + (v / LEVELS) * (high - low));

function drawingText(x, range) {
  const levels = levelsOf(x, range);
  let bytes = "";
  for (let i = 0; i < levels.length; i += 2) bytes += String.fromCharCode(levels[i] * 16 + (levels[i + 1] ?? 0));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function drawingOf(text, pixels, range) {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/")), levels = [];
  for (let i = 0; i < bytes.length; i++) levels.push(bytes.charCodeAt(i) >> 4, bytes.charCodeAt(i) & 15);
  if (levels.length < pixels) throw new Error("too short");
  return ofLevels(levels.slice(0, pixels), range);
}

function hashOf() {
  const info = current.info, parts = { run: state.run, z: state.z.map((v) => +v.toFixed(3)).join(",") };
  if (state.image >= 0) parts.image = state.image;
  else parts.x = drawingText(state.x, info.range);
  if (info.conditional) parts.y = state.label;
  Object.assign(parts, { bg: state.background, axes: state.axes.join(","), show: state.show, seed: state.seed });
  Object.assign(parts, { dim: state.dimension, ends: state.ends.join(","), follow: +state.follow, ellipses: +state.ellipses });
  return "#" + Object.entries(parts).map(([key, value]) => `${key}=${value}`).join("&");
}

// What the address says, each value checked; what is not valid is left out.
function stateOfHash(text) {
  const given = new URLSearchParams(text.slice(1)), values = {};
  const whole = (name, below) => (/^\d{1,9}$/.test(given.get(name) ?? "") && +given.get(name) < below ? +given.get(name) : null);
  const run = whole("run", MODELS.length) ?? 0, info = MODELS[run], J = info.latent_dim;
  const list = (name, count, valid) => {
    const numbers = (given.get(name) ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
    return numbers.length === count && numbers.every(valid) ? numbers : null;
  };
  const set = (key, value) => value !== null && (values[key] = value);
  set("z", list("z", J, (v) => Number.isFinite(v) && Math.abs(v) <= 100));
  set("image", whole("image", info.images.label.length));
  set("label", info.conditional ? whole("y", info.classes) : null);
  set("axes", J > 1 ? list("axes", 2, (v) => Number.isInteger(v) && v >= 0 && v < J) : null);
  set("ends", list("ends", 2, (v) => Number.isInteger(v) && v >= 0 && v < info.images.label.length));
  set("seed", whole("seed", 1e9));
  set("dimension", whole("dim", J));
  for (const [key, name] of [["follow", "follow"], ["ellipses", "ellipses"]]) if (given.has(name)) values[key] = given.get(name) === "1";
  if (["posterior", "manifold", "none"].includes(given.get("bg"))) values.background = given.get("bg");
  if (["mean", "draw", "mode"].includes(given.get("show"))) values.show = given.get("show");
  if (given.has("x")) {
    try {
      values.x = drawingOf(given.get("x"), info.shape[0] * info.shape[1], info.range);
      values.image = -1;
    } catch {
      // not a drawing: the page shows its first image
    }
  }
  return { run, values };
}

let hashTimer = 0, written = "";
function writeHash() {
  clearTimeout(hashTimer);
  hashTimer = setTimeout(() => {
    written = hashOf();
    history.replaceState(null, "", written);
  }, 300);
}
