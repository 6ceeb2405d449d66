"use strict";
// One slider a latent dimension, sorted by the mean KL divergence of the test images; those that carry nothing are folded.

const ACTIVE = 0.01; // variance of the posterior means above which a dimension is called active

function buildSliders() {
  const info = current.info, kl = info.kl_by_dimension, panel = $("sliders");
  panel.replaceChildren();
  $("sliders-panel").hidden = info.latent_dim === 2;
  if (info.latent_dim === 2) return;
  const order = kl.map((_, j) => j).sort((a, b) => kl[b] - kl[a]);
  const active = order.filter((j) => info.variance_of_means[j] > ACTIVE), idle = order.filter((j) => !active.includes(j));
  panel.append(...active.map(slider));
  if (idle.length) {
    const sum = idle.reduce((s, j) => s + kl[j], 0);
    const summary = element("summary", {}, `${idle.length} inactive ${idle.length === 1 ? "dimension" : "dimensions"}, together ${number(sum)} nats`);
    panel.append(element("details", {}, summary, ...idle.map(slider)));
  }
  for (const [along, id] of ["axis-a", "axis-b"].entries()) {
    $(id).replaceChildren(...order.map((j) => element("option", { value: j }, `z${subscript(j + 1)}`)));
    $(id).value = state.axes[along];
  }
}

function slider(j) {
  const name = `z${subscript(j + 1)}`, kl = current.info.kl_by_dimension[j];
  const { centre, radius } = current.info;
  const input = element("input", { type: "range", min: centre[j] - radius, max: centre[j] + radius, step: 0.01, id: `z-${j}`, value: state.z[j] });
  input.addEventListener("input", () => {
    const z = [...state.z];
    z[j] = +input.value;
    update({ z, follow: false, dimension: j });
  });
  const value = element("output", { id: `value-${j}` });
  const bar = element("meter", { min: 0, max: Math.max(...current.info.kl_by_dimension), value: kl, "aria-label": `KL of ${name}` });
  const label = element("label", { htmlFor: `z-${j}` }, name);
  return element("div", { className: "slider" }, label, input, value, bar, element("span", { className: "kl" }, `${number(kl)} nats`));
}

show(["z", "model"], () => {
  if (current.info.latent_dim === 2) return;
  for (let j = 0; j < current.info.latent_dim; j++) {
    const input = $(`z-${j}`), middle = current.info.centre[j], reach = Math.ceil(Math.abs(state.z[j] - middle));
    if (middle + reach > input.max) Object.assign(input, { min: middle - reach, max: middle + reach }); // q of a drawing and a link go further than the plane
    if (Math.abs(+input.value - state.z[j]) > 0.005) input.value = state.z[j];
    const output = $(`value-${j}`), text = number(state.z[j]);
    if (output.textContent !== text) output.textContent = text;
  }
});

for (const [along, id] of ["axis-a", "axis-b"].entries()) {
  $(id).addEventListener("change", () => {
    const axes = [...state.axes], chosen = +$(id).value;
    if (axes[1 - along] === chosen) axes[1 - along] = axes[along];
    axes[along] = chosen;
    update({ axes });
    $("axis-a").value = axes[0];
    $("axis-b").value = axes[1];
  });
}

// Back to the mean of q(z|x).
function resetToMean() {
  update({ z: Array.from(current.q.mean), follow: true });
}
