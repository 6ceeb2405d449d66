"use strict";
// What lies under the points of the plane: the true posterior p(z|x) of the image, decoded images, or nothing.

const background = { picture: null, key: "", shift: 0 };
const SHADE = 20; // nats from dark to clear

// Opacity 1 at the largest p(z|x), 0 at SHADE nats below: a mode of a thousandth of the mass is still seen.
function posteriorPicture(joint, along) {
  const canvas = element("canvas", { width: along, height: along }), context = canvas.getContext("2d");
  const picture = context.createImageData(along, along), [red, green, blue] = shadeColour();
  const most = joint.reduce((a, b) => Math.max(a, b), -Infinity), data = picture.data;
  for (let row = 0, g = 0; row < along; row++) {
    for (let at = 4 * (along - 1 - row) * along, column = 0; column < along; column++, g++, at += 4) {
      const opacity = Math.max(0, 1 + (joint[g] - most) / SHADE);
      data[at] = red;
      data[at + 1] = green;
      data[at + 2] = blue;
      data[at + 3] = 210 * opacity * opacity;
    }
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

function shadeColour() {
  const text = colourOf("--shade");
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
}

// The highest point of p(z|x) if it lies outside the plane, which then shows little or nothing of the shade; "" if not.
function beyondText(joint) {
  const { grid_radius: reach, radius, centre } = current.info, along = Math.sqrt(joint.length), spacing = (2 * reach) / along;
  const most = joint.reduce((best, value, g) => (value > joint[best] ? g : best), 0);
  const z = [most % along, Math.floor(most / along)].map((at) => -reach + (at + 0.5) * spacing);
  if (z.every((v, j) => Math.abs(v - centre[j]) <= radius)) return "";
  return `The true posterior is highest outside the plane, near ${z.map((v, j) => `z${subscript(j + 1)} = ${number(v, 1)}`).join(", ")}.`;
}

// The user's choice is kept while another run is shown, of which there may be no grid.
const drawnBackground = () => (state.background === "posterior" && current.info.latent_dim !== 2 ? "none" : state.background);

let manifoldTimer = 0;
show(["model", "background", "axes", "z", "answer", "x", "theme"], (changes) => {
  const info = current.info, joint = current.answer?.joint, drawn = drawnBackground();
  if (drawn !== "posterior") $("beyond").textContent = "";
  if (drawn === "posterior") {
    if (joint && changes.has("x") && !changes.has("answer")) return;
    const along = Math.sqrt(joint?.length ?? 1);
    background.picture = joint ? posteriorPicture(joint, along) : null;
    if (current.answer?.final) $("beyond").textContent = joint ? beyondText(joint) : "";
    background.shift = current.answer?.final ? 0 : info.grid_radius / (2 * along); // of the first point in its coarser cell
    background.key = "";
  } else if (drawn === "none") {
    background.picture = null;
    background.key = "";
  } else {
    const others = state.z.filter((_, j) => !state.axes.includes(j)), key = [state.run, state.label, state.axes, others].join();
    if (key === background.key) return;
    if (background.key === "") background.picture = null;
    background.key = key;
    clearTimeout(manifoldTimer);
    const count = info.latent_dim === 2 ? 20 : 14;
    manifoldTimer = setTimeout(() => {
      ask("manifold", { z: state.z, axes: state.axes, count, y: state.label }, ({ images }) => {
        if (state.background !== "manifold") return;
        background.picture = tiled(images, count, info);
        update({}, "background-ready");
      });
    }, 60);
  }
  update({}, "background-ready");
});
