"use strict";
// What the user takes along: a link to this state, the numbers as CSV, the decoded image as PNG.

function save(name, blob) {
  const link = element("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

$("save-csv").addEventListener("click", () => {
  const a = current.answer, rows = [["quantity", "nats"]];
  if (!a) return;
  if (current.info.conditional) rows.push(["class", state.label]);
  for (const [name, value] of [["kl", a.kl], ["reconstruction", a.reconstruction], ["elbo", a.elbo], ["log_px_grid", a.grid?.logPx], ["log_px_importance", a.importance?.logPx], ["ess", a.importance?.ess]]) {
    if (value !== undefined) rows.push([name, value]);
  }
  a.mean.forEach((m, j) => rows.push([`mean_${j + 1}`, m], [`log_var_${j + 1}`, a.logVar[j]]));
  save("aevb-numbers.csv", new Blob([rows.map((row) => row.join(",")).join("\n") + "\n"], { type: "text/csv" }));
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
