"use strict";
// The plane of two latent dimensions: posterior means by label, ellipses to scale, and the point z that is decoded.

const COLOURS = ["#4477aa", "#ee6677", "#228833", "#b58a00", "#1c9fc4", "#aa3377", "#7a7a7a", "#ee7733", "#6a51a3", "#009988"];
const plane = { canvas: $("plane"), points: element("canvas"), size: 480 };

function toPlane(v, along) {
  const { centre, radius } = current.info, across = (v - centre[state.axes[along]]) / (2 * radius);
  return plane.size * (along === 0 ? 0.5 + across : 0.5 - across);
}
const screenOf = (mean) => [toPlane(mean[state.axes[0]], 0), toPlane(mean[state.axes[1]], 1)];

function ellipse(context, mean, logVar, sigmas) {
  const [x, y] = screenOf(mean), scale = plane.size / (2 * current.info.radius);
  const [a, b] = state.axes.map((j) => sigmas * Math.exp(logVar[j] / 2) * scale);
  context.beginPath();
  context.ellipse(x, y, Math.max(a, 0.3), Math.max(b, 0.3), 0, 0, 2 * Math.PI);
  context.stroke();
}

// Circles around the origin, of N(0, I), at 1, 2 and 3 standard deviations. Returns their labels: [text, x, y].
function drawCircles(context) {
  const scale = plane.size / (2 * current.info.radius), [x, y] = [toPlane(0, 0), toPlane(0, 1)], sigmas = [1, 2, 3];
  context.setLineDash([2, 3]);
  for (const s of sigmas) {
    context.beginPath();
    context.arc(x, y, s * scale, 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
  return sigmas.map((s) => [String(s), x + 3, y - s * scale - 3]);
}

// Circles or contours of the prior, the axes, and the points: redrawn only when they change.
function drawPoints() {
  const { info, points } = current, J = info.latent_dim, c = sharpContext(plane.points, plane.size, plane.size);
  c.clearRect(0, 0, plane.size, plane.size);
  const [left, top] = [toPlane(0, 0), toPlane(0, 1)]; // of the origin
  Object.assign(c, { strokeStyle: colourOf("--faint"), lineWidth: 1 });
  const labels = current.model.prior ? drawContours(c) : drawCircles(c);
  for (const line of [[0, top, plane.size, top], [left, 0, left, plane.size]]) {
    c.beginPath();
    c.moveTo(line[0], line[1]);
    c.lineTo(line[2], line[3]);
    c.stroke();
  }
  c.font = "bold 10px sans-serif";
  c.textAlign = "center";
  c.textBaseline = "middle";
  c.lineWidth = 0.7;
  for (let n = 0; n < info.points.count; n++) {
    const mean = points.mean.subarray(n * J, n * J + J), [x, y] = screenOf(mean), label = points.label[n];
    c.fillStyle = c.strokeStyle = COLOURS[info.classes ? label % COLOURS.length : 0];
    if (state.ellipses) ellipse(c, mean, points.logVar.subarray(n * J, n * J + J), 1);
    else if (info.classes && info.classes <= 10) c.fillText(String(label), x, y);
    else c.fillRect(x - 1.5, y - 1.5, 3, 3);
  }
  drawLabels(c, labels);
}

function drawPlane() {
  const c = sharpContext(plane.canvas, plane.size, plane.size);
  c.clearRect(0, 0, plane.size, plane.size);
  const manifold = state.background === "manifold";
  c.imageSmoothingEnabled = true;
  if (background.picture) {
    const reach = current.info.grid_radius, size = plane.size * (manifold ? 1 : reach / current.info.radius);
    const [left, top] = manifold ? [0, 0] : [toPlane(-reach, 0), toPlane(reach, 1)];
    const shift = manifold ? 0 : (background.shift * plane.size) / (2 * current.info.radius);
    c.drawImage(background.picture, left - shift, top + shift, size, size);
  }
  c.globalAlpha = manifold && background.picture ? 0.75 : 1;
  c.drawImage(plane.points, 0, 0, plane.size, plane.size);
  c.globalAlpha = 1;
  const ink = manifold && background.picture ? "#ffd23f" : colourOf("--accent");
  c.strokeStyle = ink;
  c.lineWidth = 2;
  if (current.q) for (const sigmas of [1, 2]) ellipse(c, current.q.mean, current.q.logVar, sigmas);
  c.setLineDash([5, 4]);
  c.lineWidth = 1.5;
  c.beginPath(); // the path of the interpolation
  state.ends.forEach((n, at) => c[at ? "lineTo" : "moveTo"](...screenOf(current.images.q[n].mean)));
  c.stroke();
  c.setLineDash([]);
  const [x, y] = screenOf(state.z);
  for (const [width, colour] of [[5, colourOf("--paper")], [2, colourOf("--ink")]]) {
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.beginPath();
    c.arc(x, y, 7, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      c.moveTo(x + 4 * dx, y + 4 * dy);
      c.lineTo(x + 12 * dx, y + 12 * dy);
    }
    c.stroke();
  }
}

show(["model", "axes", "ellipses", "theme"], () => {
  drawPoints();
  update({}, "points");
});
show(["points", "z", "x", "background-ready", "ends", "theme"], drawPlane);
show(["z", "axes"], () => {
  const names = state.axes.map((j) => `z${subscript(j + 1)} = ${number(state.z[j])}`);
  $("position").textContent = names.join(", ") + nearest();
});

// The closest posterior mean, in the plane.
function nearest() {
  const { info, points } = current, J = info.latent_dim;
  if (!info.classes) return "";
  let best = Infinity, label = 0;
  for (let n = 0; n < info.points.count; n++) {
    let distance = 0;
    for (let j = 0; j < J; j++) distance += (points.mean[n * J + j] - state.z[j]) ** 2;
    if (distance < best) [best, label] = [distance, points.label[n]];
  }
  return `; nearest posterior mean: class ${label}`;
}

function moveTo(values) {
  const z = [...state.z], { centre, radius } = current.info;
  state.axes.forEach((j, along) => (z[j] = Math.max(centre[j] - radius, Math.min(centre[j] + radius, values[along]))));
  update({ z, follow: false });
  say($("position").textContent);
}

const planeMove = (x, y) => moveTo([2 * x - 1, 1 - 2 * y].map((v, along) => current.info.centre[state.axes[along]] + v * current.info.radius));
followPointer(plane.canvas, { start: planeMove, move: planeMove });
plane.canvas.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 0.5 : 0.05, [a, b] = state.axes.map((j) => state.z[j]);
  const to = { ArrowLeft: [a - step, b], ArrowRight: [a + step, b], ArrowUp: [a, b + step], ArrowDown: [a, b - step], Home: [0, 0] };
  if (!to[event.key]) return;
  event.preventDefault();
  moveTo(to[event.key]);
});
