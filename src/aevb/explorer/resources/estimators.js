"use strict";
// What an image costs: KL(q || p), the bound, and importance sampling from q(z|x). All in nats.

const total = (values) => values.reduce((sum, value) => sum + value, 0);

// KL(q(z|x) || N(0, I)) in closed form (appendix B).
const closedKl = (q) => 0.5 * total(Array.from(q.mean, (m, j) => Math.exp(q.logVar[j]) + m * m - 1 - q.logVar[j]));

// z = mean + sigma eps, eps row `k` of the table that Python used too.
function drawFrom(model, q, k) {
  const z = new Float64Array(model.J);
  for (let j = 0; j < model.J; j++) z[j] = q.mean[j] + Math.exp(q.logVar[j] / 2) * model.noise[k * model.J + j];
  return z;
}

// log q(z|x) of that z.
function logPosterior(model, q, k) {
  let sum = 0;
  for (let j = 0; j < model.J; j++) sum -= 0.5 * (LOG_2PI + q.logVar[j] + model.noise[k * model.J + j] ** 2);
  return sum;
}

// 1/L sum_l log p(x|z_l) - KL (eq. 7), and its standard error over the draws. The KL from a mixture is 1/L sum_l log q - log p.
function bound(model, x, q, samples) {
  const out = decodings(model, 1), closed = model.prior ? null : closedKl(q), likelihoods = [], kls = [];
  for (let k = 0; k < samples; k++) {
    const z = drawFrom(model, q, k);
    decode(model, z, out, 0);
    likelihoods.push(logLikelihood(model, out, 0, x));
    kls.push(closed ?? logPosterior(model, q, k) - logPrior(model.prior, z));
  }
  const reconstruction = total(likelihoods) / samples, kl = total(kls) / samples, elbo = reconstruction - kl;
  const variance = total(likelihoods.map((v, k) => (v - kls[k] - elbo) ** 2)) / Math.max(1, samples - 1);
  return { kl, reconstruction, elbo, standardError: Math.sqrt(variance / samples), samples };
}

// log p(x, z_k) - log q(z_k|x) for k = from, ..., to - 1.
function logWeights(model, x, q, from, to) {
  const out = decodings(model, 1), weights = [];
  for (let k = from; k < to; k++) {
    const z = drawFrom(model, q, k);
    decode(model, z, out, 0);
    weights.push(logPrior(model.prior, z) + logLikelihood(model, out, 0, x) - logPosterior(model, q, k));
  }
  return weights;
}

// log 1/K sum w_k, in the mean below log p(x), the effective sample size (sum w)^2 / sum w^2, and the shape of the weights' tail.
function importanceEstimate(weights) {
  const sum = logSumExp(weights), squares = logSumExp(weights.map((w) => 2 * w)), samples = weights.length;
  const threshold = samples > 10 ? Math.min(1 - 1 / Math.log10(samples), 0.7) : 0; // Vehtari et al. (2024), section 3.2
  return { logPx: sum - Math.log(samples), ess: Math.exp(2 * sum - squares), samples, paretoK: paretoK(weights), threshold };
}

// Pareto k of the largest weights, as aevb.estimators.pareto_k: the fit of Zhang & Stephens (2009) with a weak prior.
function paretoK(logWeights) {
  const samples = logWeights.length, n = Math.ceil(Math.min(samples / 5, 3 * Math.sqrt(samples)));
  if (n < 5) return NaN;
  const tail = Float64Array.from(logWeights).sort().subarray(samples - n - 1), largest = tail[n];
  const equal = largest - tail[0] < 1e-4, tiny = Number.MIN_VALUE * 2 ** 52; // equal but for rounding: no tail
  const above = Array.from(tail.subarray(1), (w) => Math.max(tiny, equal ? 0 : Math.exp(w - largest) - Math.exp(tail[0] - largest)));
  const x = above.map((v) => v / above[n - 1]), points = 30 + Math.floor(Math.sqrt(n)), quartile = x[Math.floor(n / 4 + 0.5) - 1];
  const shape = (b) => total(x.map((v) => Math.log1p(-b * v))) / n;
  const b = Array.from({ length: points }, (_, i) => 1 + (1 - Math.sqrt(points / (i + 0.5))) / (3 * quartile));
  const logLikelihood = b.map((v) => {
    const k = shape(v);
    return n * (Math.log(-v / k) - k - 1);
  });
  const all = logSumExp(logLikelihood);
  return (n * shape(total(b.map((v, i) => Math.exp(logLikelihood[i] - all) * v))) + 5) / (n + 10);
}

// The least value of -log p(x|z) that any Bernoulli decoder can reach on grey x: the entropy H(x).
function greyEntropy(x) {
  let sum = 0;
  for (const v of x) if (v > 0 && v < 1) sum -= v * Math.log(v) + (1 - v) * Math.log(1 - v);
  return sum;
}
