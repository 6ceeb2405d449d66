"use strict";
// The contours of a mixture prior in the plane: the densest regions that hold as much mass as the circles of 1, 2 and 3 σ of N(0, I).

const SHARES = [1, 2, 3].map((sigmas) => 1 - Math.exp((-sigmas * sigmas) / 2)); // 39, 86 and 99 % in two dimensions
const FINE = 160; // points of the lattice along each axis

// Densities at the points of a lattice of the square of half side `radius` around `middle`, row by row of the second axis.
function densities(prior, middle, radius) {
  const step = (2 * radius) / (FINE - 1), values = new Float64Array(FINE * FINE), first = middle.map((m) => m - radius);
  for (let row = 0, at = 0; row < FINE; row++) {
    for (let column = 0; column < FINE; column++, at++) values[at] = Math.exp(logPrior(prior, [first[0] + column * step, first[1] + row * step]));
  }
  return values;
}

// The density at the edge of the densest region that holds each share of the mass; 0 if the square holds less than the share.
function contourLevels(values, radius, shares) {
  const area = ((2 * radius) / (FINE - 1)) ** 2, falling = Float64Array.from(values).sort().reverse();
  let mass = 0, at = 0;
  return shares.map((share) => {
    while (at < falling.length && mass < share) mass += falling[at++] * area;
    return mass < share ? 0 : falling[at - 1];
  });
}

// The segments [x1, y1, x2, y2], in steps of the lattice, of the line where `values` cross `level`: each cell is cut in two triangles.
function segments(values, level) {
  const lines = [], value = ([x, y]) => values[y * FINE + x];
  const crossing = (a, b) => {
    const t = (level - value(a)) / (value(b) - value(a));
    return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
  };
  for (let y = 0; y < FINE - 1; y++) {
    for (let x = 0; x < FINE - 1; x++) {
      const [a, b, c, d] = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]];
      for (const corners of [[a, b, c], [a, c, d]]) {
        const cut = corners.map((p, i) => [p, corners[(i + 1) % 3]]).filter(([p, q]) => value(p) >= level !== value(q) >= level);
        if (cut.length) lines.push(cut.flatMap(([p, q]) => crossing(p, q)));
      }
    }
  }
  return lines;
}

// Draws the contours of the mixture prior of the current run over the two axes of the plane. Returns their labels: [text, x, y].
function drawContours(context) {
  const { centre, radius } = current.info, step = (2 * radius) / (FINE - 1), middle = state.axes.map((j) => centre[j]);
  const values = densities(marginalPrior(current.model.prior, state.axes), middle, radius);
  const place = (x, y) => [toPlane(middle[0] - radius + x * step, 0), toPlane(middle[1] - radius + y * step, 1)];
  context.strokeStyle = colourOf("--muted");
  const labels = contourLevels(values, radius, SHARES).flatMap((level, n) => {
    if (!level) return [];
    const lines = segments(values, level).map(([x1, y1, x2, y2]) => [place(x1, y1), place(x2, y2)]);
    context.beginPath();
    for (const [from, to] of lines) {
      context.moveTo(...from);
      context.lineTo(...to);
    }
    context.stroke();
    const [right, down] = [[0, 1], [1, 0], [0, -1]][n], along = ([x, y]) => right * x + down * y;
    const [x, y] = lines.reduce((best, [end]) => (along(end) > along(best) ? end : best), lines[0][0]);
    return [[`${Math.round(100 * SHARES[n])} %`, Math.min(x + 3, plane.size - 26), Math.max(y + (down > 0 ? 12 : -3), 10)]];
  });
  context.strokeStyle = colourOf("--faint");
  return labels;
}

// On top of the points, each with an edge of the colour of the paper.
function drawLabels(context, labels) {
  Object.assign(context, { font: "11px sans-serif", textAlign: "start", textBaseline: "alphabetic", lineWidth: 3 });
  Object.assign(context, { strokeStyle: colourOf("--paper"), fillStyle: colourOf("--muted"), lineJoin: "round" });
  for (const label of labels) {
    context.strokeText(...label);
    context.fillText(...label);
  }
}
