"use strict";
// What the user takes along: a link to this state, the numbers as CSV, the decoded image as PNG.

function save(name, blob) {
  const link = element("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The numbers of the last answer with what they are of: [quantity, value, unit]. What is not known has no row.
function csvRows({ of, ...a }) {
  const info = current.info, { grid, importance } = a, index = info.images.index[of.image], J = info.latent_dim;
  const label = info.conditional ? of.label : info.classes ? info.images.label[of.image] : undefined;
  return [
    ["run", info.name],
    ["data", info.data],
    ["image", of.image < 0 ? "drawing" : index], // the number of a test image
    ["class", label],
    ["kl", a.kl, "nats"],
    ["reconstruction", a.reconstruction, "nats"],
    ["elbo", a.elbo, "nats"],
    ["elbo_standard_error", a.standardError, "nats"],
    ["elbo_samples", a.samples],
    ["log_px_grid", grid?.logPx, "nats"],
    ["log_px_grid_error", grid?.error, "nats"],
    ["log_px_importance", importance?.logPx, "nats"],
    ["importance_samples", importance?.samples],
    ["ess", importance?.ess, "samples"],
    ["pareto_k", importance?.paretoK],
    ["pareto_k_threshold", importance?.threshold],
    ...Array.from({ length: J }, (_, j) => [`mean_${j + 1}`, a.mean[j]]),
    ...Array.from({ length: J }, (_, j) => [`log_var_${j + 1}`, a.logVar[j]]),
  ].filter(([, value]) => value !== undefined && !Number.isNaN(value));
}

// Text is quoted: a name may have commas and quotes.
const csvCell = (value) => (typeof value === "string" ? `"${value.replaceAll('"', '""')}"` : String(value));
$("save-csv").addEventListener("click", () => {
  if (!current.answer) return;
  const lines = csvRows(current.answer).map(([quantity, value, unit = ""]) => `${quantity},${csvCell(value)},${unit}\n`);
  save("aevb-numbers.csv", new Blob(["quantity,value,unit\n", ...lines], { type: "text/csv" }));
});
$("save-png").addEventListener("click", () => $("decoded").toBlob((blob) => save("aevb-decoded.png", blob)));
$("copy-link").addEventListener("click", async () => {
  const link = location.href.split("#")[0] + hashOf();
  try {
    await navigator.clipboard.writeText(link);
    say("The link is copied");
    $("copied").textContent = "Copied.";
  } catch {
    history.replaceState(null, "", hashOf());
    $("copied").textContent = "The address bar has the link.";
  }
});
