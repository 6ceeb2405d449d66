"use strict";
// The class y that a conditional model is given: of the chosen test image, until another one is selected.

function buildClasses(info) {
  document.body.dataset.conditional = info.conditional ? "yes" : "no";
  $("class").replaceChildren(...Array.from({ length: info.conditional ? info.classes : 0 }, (_, y) => element("option", { value: y }, String(y))));
  $("class").value = state.label;
}

// Sets the class together with other values of the state; the grid of p(x|z, y) is then computed anew.
function setClass(label, values) {
  if (!current.info.conditional || label === state.label) return update(values);
  current.model = ofClass(current.model, label);
  current.gridProgress = 0;
  if (current.answer) current.answer.grid = current.answer.joint = undefined;
  $("class").value = label;
  ask("grid", { y: label }, () => {});
  update({ ...values, label }, "model", "answer");
  if (current.info.latent_dim !== 2) startSelfTest();
}
$("class").addEventListener("change", () => setClass(+$("class").value, {}));
