"use strict";
// log p(x) for two latent dimensions: the sum of p(x, z) h^2 over a lattice of the plane, refined where the posterior lies.
//
// Error: the lattice is two, as black and white fields of a board. In their mean the leading error cancels, so half their
// difference exceeds what is left (aevb.estimators.quadrature). Where it is too large, cells whose value could be within
// MARGIN nats of the best are split in four; the others keep the mass that they had.

const MARGIN = 14, MOST_DECODED = 6000, ENOUGH = 0.003, COINCIDENCE = 0.02;

function newGrid(model, along) {
  const radius = model.info.grid_radius, spacing = (2 * radius) / along;
  return { along, radius, spacing, y: model.y, done: 0, decoded: decodings(model, along * along), logPrior: new Float64Array(along * along) };
}

// Centre of the cell in column i and row j.
const cellCentre = (radius, spacing, i, j) => [-radius + (i + 0.5) * spacing, -radius + (j + 0.5) * spacing];

// Decodes up to `count` more points; true when all are there.
function growGrid(model, grid, count) {
  const last = Math.min(grid.along ** 2, grid.done + count);
  for (; grid.done < last; grid.done++) {
    const z = cellCentre(grid.radius, grid.spacing, grid.done % grid.along, Math.floor(grid.done / grid.along));
    decode(model, z, grid.decoded, grid.done);
    grid.logPrior[grid.done] = logPrior(model.prior, z);
  }
  return grid.done === grid.along ** 2;
}

// log p(x, z) at every point, row by row of z_2; with step 2, at every second point of every second row.
function logJoint(model, grid, x, step = 1) {
  const side = Math.ceil(grid.along / step), values = new Float32Array(side ** 2), D = model.D, { first, constant } = grid.decoded;
  const inked = Int32Array.from(x.keys()).filter((d) => x[d] !== 0);
  const ink = Float32Array.from(inked, (d) => x[d]);
  for (let row = 0, v = 0; row < side; row++) {
    for (let column = 0; column < side; column++, v++) {
      const g = row * step * grid.along + column * step;
      let value = 0;
      if (model.bernoulli) {
        for (let n = 0, at = g * D; n < inked.length; n++) value += ink[n] * first[at + inked[n]];
        value += constant[g];
      } else value = logLikelihood(model, grid.decoded, g, x);
      values[v] = value + grid.logPrior[g];
    }
  }
  return values;
}

// log p(x) from every second point: for a brush that moves.
function roughLogPx(grid, joint) {
  const side = Math.sqrt(joint.length), spacing = (grid.spacing * grid.along) / side, halves = [[], []];
  for (let v = 0; v < joint.length; v++) halves[(Math.floor(v / side) + v) & 1].push(joint[v]);
  const [black, white] = halves.map((half) => logSumExp(half) + 2 * Math.log(spacing) + Math.LN2);
  return { logPx: logSumExp([black, white]) - Math.LN2, error: Math.abs(black - white) / 2, spacing };
}

// log of the mass of cells [{i, j, value}] of one spacing, and half the difference of the two lattices.
function massOf(cells, spacing) {
  const area = 2 * Math.log(spacing), halves = [[], []];
  for (const { i, j, value } of cells) halves[(i + j) & 1].push(value);
  const [black, white] = halves.map((half) => logSumExp(half) + area + Math.LN2);
  return { logMass: logSumExp([black, white]) - Math.LN2, error: Math.abs(black - white) / 2 };
}

function coarseLogPx(grid, joint) {
  const cells = Array.from(joint, (value, g) => ({ i: g % grid.along, j: Math.floor(g / grid.along), value }));
  const { logMass, error } = massOf(cells, grid.spacing);
  const edge = cells.filter(({ i, j }) => Math.min(i, j) === 0 || Math.max(i, j) === grid.along - 1).map((cell) => cell.value);
  const outside = Math.exp(logSumExp(edge) + 2 * Math.log(grid.spacing) - logMass); // what a tail beyond the square would show in
  return { logPx: logMass, error: error + outside, outside, spacing: grid.spacing, cells };
}

// q: where, and how narrow, a peak is that the lattice may not show yet.
function refinedLogPx(model, grid, x, joint, q) {
  let { cells, logPx, error, outside, spacing } = coarseLogPx(grid, joint);
  const dropped = [], out = decodings(model, 1);
  error -= outside;
  let left = MOST_DECODED;
  for (let level = 0; level < 7; level++) {
    if (error < ENOUGH && !isNarrow(q, spacing)) break;
    const kept = worthSplitting(cells, level === 0 ? nearMean(q, spacing, grid) : new Set(), grid.along * 2 ** level);
    if (4 * kept.length > left) break;
    left -= 4 * kept.length;
    const chosen = new Set(kept), area = 2 * Math.log(spacing);
    for (const cell of cells) if (!chosen.has(cell)) dropped.push(cell.value + area);
    spacing /= 2;
    cells = [];
    for (const cell of kept) {
      for (const [a, b] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
        const i = 2 * cell.i + a, j = 2 * cell.j + b, z = cellCentre(grid.radius, spacing, i, j);
        decode(model, z, out, 0);
        cells.push({ i, j, value: logPrior(model.prior, z) + logLikelihood(model, out, 0, x) });
      }
    }
    const inner = massOf(cells, spacing), before = logPx;
    logPx = logSumExp([inner.logMass, ...dropped]);
    const change = Math.abs(logPx - before); // against halves that agree by coincidence
    error = Math.max(inner.error, change > COINCIDENCE ? change : 0);
  }
  return { logPx, error: error + outside, spacing, decoded: MOST_DECODED - left };
}

// Cells whose value, or a peak between it and its neighbours (a quarter of their difference an axis), may matter.
function worthSplitting(cells, seeds, along) {
  const values = new Map(cells.map((cell) => [cell.j * along + cell.i, cell.value]));
  const best = cells.reduce((most, cell) => Math.max(most, cell.value), -Infinity);
  return cells.filter(({ i, j, value }) => {
    if (value >= best - MARGIN || seeds.has(j * along + i)) return true;
    if (value < best - 40 * MARGIN) return false;
    const at = (di, dj) => values.get((j + dj) * along + i + di) ?? value;
    const hidden = [at(1, 0), at(-1, 0), at(0, 1), at(0, -1)].map((v) => value - v);
    return value + (Math.max(hidden[0], hidden[1], 0) + Math.max(hidden[2], hidden[3], 0)) / 4 >= best - MARGIN;
  });
}

// Numbers of the nine cells around the mean of q.
function nearMean(q, spacing, grid) {
  const numbers = new Set(), [i, j] = Array.from(q.mean, (m) => Math.floor((m + grid.radius) / spacing));
  for (let a = -1; a <= 1; a++) for (let b = -1; b <= 1; b++) numbers.add((j + b) * grid.along + i + a);
  return numbers;
}

// Whether q is narrower than the lattice can show.
const isNarrow = (q, spacing) => Array.from(q.logVar).some((v) => Math.exp(v / 2) < 0.6 * spacing);
