"use strict";
// The test images that came with the page, as buttons.

function buildGallery() {
  const { info, images } = current;
  $("gallery").replaceChildren(
    ...info.images.label.map((label, n) => {
      const canvas = element("canvas", { "aria-hidden": "true" });
      paint(canvas, images.x[n], info);
      const name = info.classes ? `test image ${info.images.index[n]}, class ${label}` : `test image ${info.images.index[n]}`;
      const last = n === info.images.label.length - 1 && info.latent_dim === 2;
      const hint = last ? `${name}: of the ${info.points.count} points, the one with the largest error of importance sampling` : name;
      const button = element("button", { type: "button", title: hint, "aria-label": hint, className: last ? "missed" : "" }, canvas);
      button.addEventListener("click", () => chooseImage(n));
      return button;
    })
  );
}

function chooseImage(n) {
  remember();
  setClass(current.info.images.label[n], { x: current.images.x[n], image: n, follow: true });
}

show(["image", "model"], () => {
  [...$("gallery").children].forEach((button, n) => button.setAttribute("aria-pressed", String(n === state.image)));
});

// Test images as floats, in the unit that the likelihood sees.
function unpackImages(info) {
  const { data, level } = info.images, D = info.shape[0] * info.shape[1];
  const values = level === null ? floatsOf(data, "float32") : Float32Array.from(bytesOf(data), (v) => v / level);
  return info.images.label.map((_, n) => values.slice(n * D, (n + 1) * D));
}
