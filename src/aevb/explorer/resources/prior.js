"use strict";
// The prior p(z): N(0, I), or a mixture sum_k pi_k N(z; mean_k, diag exp(logVar_k)), which a trained prior is.

// packed: null for N(0, I). precision and constant: what log N needs of each component.
function buildPrior(packed, J) {
  if (!packed) return null;
  const [logWeights, mean, logVar] = ["log_weights", "mean", "log_var"].map((name) => floatsOf(packed[name], "float32"));
  return withConstants({ J, K: logWeights.length, logWeights, mean, logVar });
}

function withConstants(prior) {
  const { J, K, logWeights, logVar } = prior, constant = Float64Array.from(logWeights);
  for (let k = 0; k < K; k++) for (let j = 0; j < J; j++) constant[k] -= (LOG_2PI + logVar[k * J + j]) / 2;
  return { ...prior, constant, precision: Float64Array.from(logVar, (v) => Math.exp(-v)) };
}

// p(z) of two dimensions, the others integrated out.
function marginalPrior(prior, axes) {
  const of = (values) => Float64Array.from({ length: 2 * prior.K }, (_, i) => values[(i >> 1) * prior.J + axes[i & 1]]);
  return withConstants({ ...prior, J: 2, mean: of(prior.mean), logVar: of(prior.logVar) });
}

// log p(z), nats. prior: null for N(0, I).
function logPrior(prior, z) {
  if (!prior) return -0.5 * total(Array.from(z, (v) => LOG_2PI + v * v));
  const { J, K, mean, precision, constant } = prior, values = new Float64Array(K);
  for (let k = 0; k < K; k++) {
    let squares = 0;
    for (let j = 0, at = k * J; j < J; j++, at++) squares += (z[j] - mean[at]) ** 2 * precision[at];
    values[k] = constant[k] - squares / 2;
  }
  return logSumExp(values);
}

// z ~ p(z) from a uniform and J standard normals.
function drawPrior(prior, uniform, eps) {
  if (!prior) return eps;
  let k = 0, left = uniform;
  while (k < prior.K - 1 && left >= Math.exp(prior.logWeights[k])) left -= Math.exp(prior.logWeights[k++]);
  return eps.map((e, j) => prior.mean[k * prior.J + j] + Math.exp(prior.logVar[k * prior.J + j] / 2) * e);
}
