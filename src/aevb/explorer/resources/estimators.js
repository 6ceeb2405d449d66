"use strict";
// What an image costs: KL(q || p) in closed form, the bound, and importance sampling from q(z|x). All in nats.

// KL(q(z|x) || N(0, 1)) of each dimension (appendix B).
const klByDimension = (q) => Array.from(q.mean, (m, j) => 0.5 * (Math.exp(q.logVar[j]) + m * m - 1 - q.logVar[j]));
const total = (values) => values.reduce((sum, value) => sum + value, 0);
const logPrior = (z) => -0.5 * total(Array.from(z, (v) => LOG_2PI + v * v));

// z = mean + sigma eps, eps row `k` of the table that Python used too.
function drawFrom(model, q, k) {
  const z = new Float64Array(model.J);
  for (let j = 0; j < model.J; j++) z[j] = q.mean[j] + Math.exp(q.logVar[j] / 2) * model.noise[k * model.J + j];
  return z;
}

// 1/L sum_l log p(x|z_l) - KL (eq. 7), and its standard error over the draws.
function bound(model, x, q, samples) {
  const out = decodings(model, 1), kl = total(klByDimension(q)), values = [];
  for (let k = 0; k < samples; k++) {
    decode(model, drawFrom(model, q, k), out, 0);
    values.push(logLikelihood(model, out, 0, x));
  }
  const reconstruction = total(values) / samples;
  const variance = total(values.map((v) => (v - reconstruction) ** 2)) / Math.max(1, samples - 1);
  return { kl, reconstruction, elbo: reconstruction - kl, standardError: Math.sqrt(variance / samples), samples };
}

// log p(x, z_k) - log q(z_k|x) for k = from, ..., to - 1.
function logWeights(model, x, q, from, to) {
  const out = decodings(model, 1), weights = [];
  for (let k = from; k < to; k++) {
    const z = drawFrom(model, q, k);
    let logQ = 0;
    for (let j = 0; j < model.J; j++) logQ -= 0.5 * (LOG_2PI + q.logVar[j] + model.noise[k * model.J + j] ** 2);
    decode(model, z, out, 0);
    weights.push(logPrior(z) + logLikelihood(model, out, 0, x) - logQ);
  }
  return weights;
}

// log 1/K sum w_k, in the mean below log p(x), and the effective sample size (sum w)^2 / sum w^2.
function importanceEstimate(weights) {
  const sum = logSumExp(weights), squares = logSumExp(weights.map((w) => 2 * w));
  return { logPx: sum - Math.log(weights.length), ess: Math.exp(2 * sum - squares), samples: weights.length };
}

// The least value of -log p(x|z) that any Bernoulli decoder can reach on grey x: the entropy H(x).
function greyEntropy(x) {
  let sum = 0;
  for (const v of x) if (v > 0 && v < 1) sum -= v * Math.log(v) + (1 - v) * Math.log(1 - v);
  return sum;
}
