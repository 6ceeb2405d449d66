"use strict";
// The page against Python: the numbers of the embedded images, as the worker computes them, and as aevb did in float64.

// Largest differences in nats: of KL, ELBO, importance sampling and, for two dimensions, log p(x) by the grid. The values of a
// run that diverged are too large for the digits of float32 behind the point, so that a share of a value is allowed too.
let testing = 0;
const isAllowed = (difference, value) => difference <= Math.max(current.info.tolerance, current.info.relative_tolerance * Math.abs(value));
function startSelfTest() {
  if (current.info.latent_dim === 2 && current.gridProgress < 1) return;
  const { info, images } = current, worst = { kl: 0, elbo: 0, importance: 0, logPx: 0 }, turn = ++testing, failed = new Set();
  let compared = false; // log p(x) by the grid
  // A conditional model: each image with its class, and log p(x|y) by the grid for the images of one class, while the grid is of it.
  const classOf = (n) => (info.conditional ? info.images.label[n] : 0), onGrid = state.label;
  const next = (n) => {
    if (n === images.x.length) return finish(worst, failed, n, compared);
    $("selftest").textContent = `Self-test: image ${n + 1} of ${images.x.length} …`;
    ask("selftest", { x: images.x[n], y: classOf(n) }, (values) => {
      const expected = { kl: info.reference.kl[n], elbo: info.reference.elbo[n], importance: info.reference.is[n], logPx: classOf(n) === onGrid ? (info.reference.log_px?.[n] ?? undefined) : undefined };
      if (expected.logPx !== undefined) compared = true;
      for (const [name, value] of Object.entries(expected)) {
        if (value === undefined) continue;
        const difference = Math.abs(values[name] - value) || (values[name] === value ? 0 : Infinity);
        worst[name] = Math.max(worst[name], difference);
        if (!isAllowed(difference, value)) failed.add(name);
      }
      setTimeout(() => turn === testing && next(n + 1));
    });
  };
  next(0);
}

// Of a run that is loaded anew, also the same one by a link: the worker begins its grid again, and half a grid has another mass.
function stopSelfTest() {
  testing++;
  Object.assign($("selftest"), { textContent: "Self-test: waiting.", className: "" });
}

function finish(worst, failed, count, compared) {
  const names = { kl: "KL", elbo: "ELBO", importance: "importance sampling", logPx: `log p(x${current.info.conditional ? "|y" : ""}) by the grid` };
  const parts = Object.keys(names).filter((name) => name !== "logPx" || compared);
  const list = (failed.size ? [...failed] : parts).map((name) => `${names[name]} ${worst[name].toFixed(4)}`).join(", ");
  const verdict = failed.size ? "FAILED: these numbers are not those of the run" : "passed";
  $("selftest").textContent = `Self-test ${verdict}: ${count} images, largest difference from Python in nats: ${list} (allowed ${current.info.tolerance}, or ${current.info.relative_tolerance} of a value).`;
  $("selftest").className = failed.size ? "failed" : "passed";
}

// Two dimensions: when the grid is there.
show(["grid"], startSelfTest);
