"use strict";
// From the file to the first picture, and from one run to the next.

function loadRun(index, values) {
  const info = MODELS[index], J = info.latent_dim;
  const texts = JSON.parse($(`weights-${index}`).textContent);
  current.info = info;
  const image = values.image ?? 0, label = info.conditional ? (values.label ?? info.images.label[image]) : 0;
  current.model = ofClass(buildModel(info, texts), label);
  current.answer = current.q = null;
  current.gridProgress = 0;
  const { mean, log_var, elbo } = info.points;
  current.points = { mean: floatsOf(mean, "float32"), logVar: floatsOf(log_var, "float32"), label: bytesOf(info.points.label), elbo: floatsOf(elbo, "float32") };
  const x = unpackImages(info);
  current.images = { x, q: x.map((image, n) => encode(ofClass(current.model, info.conditional ? info.images.label[n] : 0), image)) };
  const order = info.kl_by_dimension.map((_, j) => j).sort((a, b) => info.kl_by_dimension[b] - info.kl_by_dimension[a]);
  const other = Math.min(x.length - 1, Math.floor(x.length / 2) + 3);
  const start = { run: index, image, label, x: values.x ?? x[image], axes: J === 2 ? [0, 1] : [order[0], order[1] ?? order[0]], dimension: order[0] };
  Object.assign(start, { ends: [0, other], follow: !values.z, z: new Array(J).fill(0) });
  pad.undo = [];
  stopSelfTest();
  pad.cursor = [info.shape[1] >> 1, info.shape[0] >> 1];
  ask("model", { info, weights: texts, along: 80, y: label }, () => {});
  describe(info, J);
  update({ ...start, ...values, label }, "model");
  buildClasses(info);
  buildSliders();
  buildGallery();
  if (J !== 2) setTimeout(startSelfTest, 1500);
}

function layersOf({ hidden_dim: units, encoder, decoder }) {
  const functions = encoder.activation === decoder.activation ? encoder.activation : `encoder ${encoder.activation}, decoder ${decoder.activation}`;
  return `${units.length > 1 ? `hidden layers of ${units.join(", ")}` : units[0]} hidden units (${functions})`.replace(/(layers.*) hidden units/, "$1 units");
}

function describe(info, J) {
  $("facts").textContent = `${info.data} (${info.convention}), ${info.objective}, latent_dim ${J}, ${layersOf(info)}, ${current.model.prior ? `prior of ${current.model.prior.K} normal distributions, ` : ""}${info.samples_seen.toLocaleString("en")} training samples, ${info.precision} weights.`;
  $("meaning").textContent = `Numbers in nats. ${info.meaning[0].toUpperCase()}${info.meaning.slice(1)}.`;
  $("dimension").replaceChildren(...info.kl_by_dimension.map((_, j) => element("option", { value: j }, `z${subscript(j + 1)}`)));
  document.body.dataset.plane = J === 2 ? "two" : J === 1 ? "none" : "many";
  for (const option of $("background").options) option.disabled = option.value === "posterior" && J !== 2;
  document.body.dataset.prior = info.prior ? "mixture" : "normal";
  document.body.dataset.classes = info.classes ? "some" : "none";
  $("ceiling-row").hidden = info.decoder.kind !== "bernoulli" || info.binary; // bits have the ceiling 0
  $("mode-label").hidden = info.decoder.kind !== "bernoulli";
  const [rows, columns] = info.shape;
  document.documentElement.style.setProperty("--aspect", `${columns} / ${rows}`);
}

function controls() {
  for (const [n, info] of MODELS.entries()) $("run").append(element("option", { value: n }, `${info.name} (latent_dim ${info.latent_dim})`));
  $("run").disabled = MODELS.length === 1;
  $("run").addEventListener("change", () => loadRun(+$("run").value, {}));
  $("background").addEventListener("change", () => update({ background: $("background").value }));
  $("ellipses").addEventListener("change", () => update({ ellipses: $("ellipses").checked }));
  $("follow").addEventListener("change", () => update({ follow: $("follow").checked }));
  $("to-mean").addEventListener("click", resetToMean);
  for (const input of document.querySelectorAll("input[name=show]")) input.addEventListener("change", () => update({ show: input.value }));
  $("redraw").addEventListener("click", () => update({ show: "draw", seed: (state.seed + 1) % 1e9 }));
  choosePixels($("decoded"));
  window.addEventListener("hashchange", () => {
    if (location.hash === written) return;
    const { run, values } = stateOfHash(location.hash);
    loadRun(run, values);
  });
}

show(["run", "background", "ellipses", "follow", "show"], () => {
  Object.assign($("run"), { value: state.run });
  $("background").value = drawnBackground();
  $("ellipses").checked = state.ellipses;
  $("follow").checked = state.follow;
  for (const input of document.querySelectorAll("input[name=show]")) input.checked = input.value === state.show;
});
show(["run", "z", "x", "image", "label", "background", "ellipses", "axes", "show", "seed", "dimension", "ends", "follow"], writeHash);

// The first frame shows the page; the weights are unpacked in the next.
requestAnimationFrame(() =>
  setTimeout(() => {
    startWorker();
    controls();
    const { run, values } = stateOfHash(location.hash);
    loadRun(run, values);
  })
);
