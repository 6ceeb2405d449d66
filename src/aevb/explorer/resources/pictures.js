"use strict";
// Images on canvases: one canvas pixel a pixel, enlarged by the style sheet.

function paint(canvas, values, info) {
  const [rows, columns] = info.shape, [low, high] = info.range;
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d"), picture = context.createImageData(columns, rows);
  for (let d = 0; d < values.length; d++) {
    const grey = ((values[d] - low) / (high - low)) * 255;
    picture.data[4 * d] = picture.data[4 * d + 1] = picture.data[4 * d + 2] = grey; // clamped by the array
    picture.data[4 * d + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

// Many images in one picture, count x count.
function tiled(images, count, info) {
  const [rows, columns] = info.shape, [low, high] = info.range, D = rows * columns;
  const canvas = element("canvas", { width: count * columns, height: count * rows });
  const context = canvas.getContext("2d"), picture = context.createImageData(canvas.width, canvas.height);
  for (let n = 0; n < count * count; n++) {
    const top = Math.floor(n / count) * rows, left = (n % count) * columns;
    for (let d = 0; d < D; d++) {
      const at = 4 * ((top + Math.floor(d / columns)) * canvas.width + left + (d % columns));
      picture.data[at] = picture.data[at + 1] = picture.data[at + 2] = ((images[n * D + d] - low) / (high - low)) * 255;
      picture.data[at + 3] = 255;
    }
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

// One draw of p(x|z), from the mean and the standard deviation's inverse of row 0 of `out`.
function drawOf(model, out, seed) {
  const values = meanImage(model, out, 0);
  if (model.bernoulli) {
    const uniform = uniforms(seed);
    return values.map((p) => (uniform() < p ? 1 : 0));
  }
  const normal = normals(seed);
  return values.map((mean, d) => mean + normal() / out.second[d]);
}

// The picture of z in the manner that the user chose.
let room = null; // p(x|z) of the last z
function decodedAt(z) {
  if (room?.model === current.model && room.z === z) return room;
  if (room?.model !== current.model) room = { ...decodings(current.model, 1), model: current.model };
  room.z = z;
  return decode(current.model, z, room, 0);
}

function pictureOf(z, manner, seed) {
  const model = current.model;
  decodedAt(z);
  if (manner === "draw") return drawOf(model, room, seed);
  const mean = meanImage(model, room, 0);
  return manner === "mode" && model.bernoulli ? mean.map((p) => (p > 0.5 ? 1 : 0)) : mean;
}

// What p(x|z) says of the pixel that was chosen by the pointer or the arrow keys, at the z and the x of now.
let pixel = null; // [row, column]
function pixelText([row, column]) {
  const d = row * current.info.shape[1] + column, model = current.model;
  const mean = meanImage(model, decodedAt(state.z), 0)[d];
  const spread = model.bernoulli ? `p(x = 1 | z) = ${number(mean, 3)}` : `mean ${number(mean, 3)}, σ ${number(1 / room.second[d], 3)}`;
  return `Row ${row + 1}, column ${column + 1}: ${spread}; in x: ${number(state.x[d], 2)}`;
}

function choosePixel(row, column) {
  const [rows, columns] = current.info.shape;
  if (row < 0 || row >= rows || column < 0 || column >= columns) return;
  pixel = [row, column];
  $("pixel").textContent = pixelText(pixel);
}

function choosePixels(canvas) {
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect(), [rows, columns] = current.info.shape;
    choosePixel(Math.floor(((event.clientY - box.top) / box.height) * rows), Math.floor(((event.clientX - box.left) / box.width) * columns));
  });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!by) return;
    event.preventDefault();
    choosePixel(...(pixel ? pixel.map((v, i) => v + by[i]) : [0, 0]));
    say($("pixel").textContent);
  });
}

show(["z", "show", "seed", "model"], () => {
  paint($("decoded"), pictureOf(state.z, state.show, mixed(state.seed, 0)), current.info);
});
show(["z", "x", "model"], () => {
  if (pixel?.some((v, i) => v >= current.info.shape[i])) pixel = null; // of another run's larger images
  $("pixel").textContent = pixel ? pixelText(pixel) : "Point at a pixel, or press an arrow key, for its distribution.";
});
