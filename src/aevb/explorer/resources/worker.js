"use strict";
// Everything that takes longer than a frame, in the page's worker: the grid, the estimates of an image, the manifold.

let base = null, grid = null, points = 0, growing = 0;
const LIVE_DRAWS = 4, FINAL_DRAWS = 256; // of the bound: while the image changes, and afterwards
const LIVE_WEIGHTS = 20, LIVE_STEP = 2; // what leaves room for 60 answers a second: importance sampling, points of the grid
const newest = {}; // number of the last request of each kind, or of one that waits; older ones end early
const pause = () => new Promise((resolve) => setTimeout(resolve));

const HANDLERS = {
  async model({ info, weights, along, y }) {
    base = buildModel(info, weights);
    points = along;
    return HANDLERS.grid({ y });
  },

  // Begins the grid of p(x|z, y).
  async grid({ y }) {
    const model = ofClass(base, y);
    grid = model.J === 2 ? newGrid(model, points) : null;
    growing++;
    if (grid) grow(growing, model);
    return {};
  },

  // x: image. final: with everything that is affordable while nothing moves.
  async evaluate({ x, y, final }, stale) {
    const model = ofClass(base, y), q = encode(model, x), ready = grid && grid.y === y && grid.done === grid.along ** 2;
    const K = model.info.importance_samples;
    const answer = { mean: q.mean, logVar: q.logVar, ...bound(model, x, q, final ? FINAL_DRAWS : LIVE_DRAWS), final };
    if (grid || !final) answer.importance = importanceEstimate(logWeights(model, x, q, 0, final ? K : LIVE_WEIGHTS));
    if (ready) {
      answer.joint = logJoint(model, grid, x, final ? 1 : LIVE_STEP);
      const { logPx, error, spacing } = final ? refinedLogPx(model, grid, x, answer.joint, q) : roughLogPx(grid, answer.joint);
      answer.grid = { logPx, error, spacing };
    } else if (grid) answer.progress = grid.done / grid.along ** 2;
    if (!grid && final) {
      const weights = [], most = model.noise.length / model.J;
      for (let k = 0; k < most; k += 100) {
        await pause();
        if (stale()) return null;
        weights.push(...logWeights(model, x, q, k, Math.min(k + 100, most)));
      }
      answer.importance = importanceEstimate(weights);
    }
    return answer;
  },

  // Means of p(x|z) at count x count points of the plane of two axes through z, from the top row down.
  async manifold({ z, axes, count, y }, stale) {
    const model = ofClass(base, y), out = decodings(model, 1), images = new Float32Array(count * count * model.D);
    for (let r = 0; r < count; r++) {
      await pause();
      if (stale()) return null;
      for (let c = 0; c < count; c++) {
        const at = Float64Array.from(z), { centre, radius } = model.info, step = (2 * radius) / count;
        at[axes[0]] = centre[axes[0]] - radius + (c + 0.5) * step;
        at[axes[1]] = centre[axes[1]] + radius - (r + 0.5) * step;
        decode(model, at, out, 0);
        images.set(meanImage(model, out, 0), (r * count + c) * model.D);
      }
    }
    return { images, count };
  },

  // The values that reference.py computed, of one image.
  async selftest({ x, y }) {
    const model = ofClass(base, y), q = encode(model, x), { elbo, kl } = bound(model, x, q, model.info.bound_samples);
    const values = { mean: q.mean, logVar: q.logVar, elbo, kl };
    values.importance = importanceEstimate(logWeights(model, x, q, 0, model.info.importance_samples)).logPx;
    if (grid?.y === y) values.logPx = refinedLogPx(model, grid, x, logJoint(model, grid, x), q).logPx;
    return values;
  },
};

async function grow(turn, model) {
  while (turn === growing) {
    if (growGrid(model, grid, 50)) break;
    if (grid.done % 800 === 0) postMessage({ kind: "grid", progress: grid.done / grid.along ** 2 });
    await pause();
  }
  if (turn === growing) postMessage({ kind: "grid", progress: 1 });
}

onmessage = async ({ data: { kind, number, payload } }) => {
  newest[kind] = number;
  if (!payload) return; // a newer request waits for the answer
  try {
    postMessage({ kind, number, answer: await HANDLERS[kind](payload, () => newest[kind] !== number) });
  } catch (error) {
    postMessage({ kind, number, error: String(error) });
  }
};
