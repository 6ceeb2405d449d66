"use strict";
// The numbers of x, in nats, computed by the worker while x is drawn and once more, better, when nothing moves.

let restTimer = 0;
function evaluate(final) {
  const of = { image: state.image, label: state.label }; // by the time of the answer another image may be shown
  ask("evaluate", { x: targetsOf(state.x), y: state.label, final }, (answer) => {
    current.answer = { ...answer, of };
    update({}, "answer");
  });
}

// What the likelihood sees: the bits where the run was trained on bits.
const targetsOf = (x) => (current.info.binary ? x.map((v) => (v >= 0.5 ? 1 : 0)) : x);

show(["x", "model", "follow"], (changes) => {
  current.q = encode(current.model, targetsOf(state.x));
  if (state.follow) update({ z: Array.from(current.q.mean) });
  if (!changes.has("x") && !changes.has("model")) return;
  evaluate(false);
  clearTimeout(restTimer);
  restTimer = setTimeout(() => evaluate(true), state.drawing ? 400 : 120);
});
show(["grid"], () => current.gridProgress === 1 && evaluate(true));

const NB = "\u00a0"; // a space at which no line ends: a number stays with its error
const pair = (value, error) => `${value}${NB}±${NB}${error}`;

// How far an importance-sampling estimate can be trusted: k above its threshold says that it cannot be.
const trust = ({ samples, ess, paretoK: k, threshold }) =>
  `K${NB}=${NB}${samples}, ESS${NB}${number(ess, 1)}${Number.isFinite(k) ? `, Pareto${NB}k ${number(k)}${NB}${k > threshold ? ">" : "≤"}${NB}${number(threshold)}` : ""}`;

const rowsOf = {
  q: () => Array.from(current.q.mean, (m, j) => pair(number(m), number(Math.exp(current.q.logVar[j] / 2)))).slice(0, 2).join(", "),
  kl: (a) => nats(-a.kl),
  reconstruction: (a) => nats(a.reconstruction),
  elbo: (a) => pair(nats(a.elbo), number(a.standardError)),
  logpx: (a) => {
    if (current.info.latent_dim === 2) return a.grid ? pair(nats(a.grid.logPx), number(Math.max(a.grid.error, 0.005))) : `computing the grid, ${Math.round(100 * current.gridProgress)}${NB}%`;
    return a.importance ? `at least ${nats(a.importance.logPx)} (${trust(a.importance)})` : "–";
  },
  gap: (a) => {
    const best = a.grid?.logPx ?? (current.info.latent_dim === 2 ? NaN : a.importance?.logPx);
    return current.info.latent_dim === 2 ? nats(best - a.elbo) : `at least ${nats(Math.max(0, best - a.elbo))}`; // both are estimates
  },
  importance: (a) => (a.importance ? `${nats(a.importance.logPx)} (${trust(a.importance)})` : "–"),
  missed: (a) => (a.grid && a.importance ? nats(a.grid.logPx - a.importance.logPx) : "–"),
  rank: (a) => {
    const below = current.points.elbo.filter((v) => v < a.elbo).length;
    return `${Math.round((100 * below) / current.points.elbo.length)} % of ${current.points.elbo.length}`;
  },
  ceiling: () => (current.model.bernoulli ? nats(-greyEntropy(targetsOf(state.x))) : "none"),
};
show(["answer", "grid"], () => {
  if (!current.answer) return;
  for (const [name, text] of Object.entries(rowsOf)) $(`n-${name}`).textContent = text(current.answer);
  const { kl, elbo, grid, importance } = current.answer;
  $("numbers").setAttribute("aria-busy", String(!current.answer.final));
  const truth = grid?.logPx ?? importance?.logPx;
  $("n-samples").textContent = `L = ${current.answer.samples}`;
  $("n-missed").className = truth - (importance?.logPx ?? truth) > 0.5 ? "failed" : "";
  if (importance) $(current.info.latent_dim === 2 ? "n-importance" : "n-logpx").className = importance.paretoK > importance.threshold ? "doubtful" : "";
  if (current.answer.final && !state.drawing) say(`KL ${nats(kl)}, ELBO ${nats(elbo)}, log p of x ${nats(truth)} nats`);
});
show(["z", "x", "model"], () => {
  $("n-likelihood").textContent = nats(logLikelihood(current.model, decodedAt(state.z), 0, targetsOf(state.x)));
  $("n-prior").textContent = nats(logPrior(current.model.prior, state.z));
});
