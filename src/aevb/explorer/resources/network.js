"use strict";
// The model: x -> q(z|x) = N(mean, diag exp(logVar)) and z -> p(x|z), with any number of hidden layers each.
//
// A conditional model is given the class y as one-hot columns behind x and z, which add one column of the first layer's weights
// to its biases: a model of one class is the same model with other first biases.
//
// A decoded z is two rows of D numbers and a constant, so that log p(x|z) is one pass over the pixels:
//   Bernoulli   first = logits l                 constant = -sum softplus(l)              log p = constant + sum x l
//   Gaussian    first = mean, second = 1/sigma   constant = -1/2 sum (log 2 pi sigma^2)   log p = constant - 1/2 sum ((x - mean)/sigma)^2

const LOG_2PI = Math.log(2 * Math.PI);
const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

// The error function to 1.2e-7 (Press et al., Numerical Recipes, section 6.2).
const ERF = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277];
function erf(v) {
  const t = 1 / (1 + Math.abs(v) / 2), tail = t * Math.exp(-v * v + ERF.reduceRight((sum, c) => sum * t + c, 0));
  return v >= 0 ? 1 - tail : tail - 1;
}
const ACTIVATIONS = {
  tanh: Math.tanh,
  relu: (v) => Math.max(v, 0),
  softplus: softplus,
  sigmoid: sigmoid,
  elu: (v) => (v > 0 ? v : Math.expm1(v)),
  silu: (v) => v * sigmoid(v),
  gelu: (v) => (v / 2) * (1 + erf(v / Math.SQRT2)),
  leaky_relu: (v) => (v > 0 ? v : 0.01 * v),
};

// info: the model's entry in the page. texts: base64 by parameter name.
function buildModel(info, texts) {
  const w = {};
  for (const [name, text] of Object.entries(texts)) w[name] = floatsOf(text, info.precision);
  const J = info.latent_dim, D = info.shape[0] * info.shape[1], C = info.conditional ? info.classes : 0;
  const model = { J, D, info, weights: w, bernoulli: info.decoder.kind === "bernoulli", byClass: new Map() };
  model.encoderHidden = transposed(w["encoder.hidden.weight"], w["encoder.hidden.bias"].length, D + C); // pixels of zero are skipped
  model.decoderInputs = J + C;
  model.noise = floatsOf(info.noise, "float16");
  model.prior = buildPrior(info.prior, J);
  return ofClass(model, 0);
}

// The model given class y; a model that is not conditional is returned as it is but for the biases, which are its own.
function ofClass(model, y) {
  const known = model.byClass.get(y);
  if (known) return known;
  const w = model.weights, conditional = model.info.conditional, E = w["encoder.hidden.bias"].length, inputs = model.decoderInputs;
  const encoderBias = Float64Array.from(w["encoder.hidden.bias"], (b, e) => b + (conditional ? model.encoderHidden[(model.D + y) * E + e] : 0));
  const W = w["decoder.hidden.weight"];
  const decoderBias = Float64Array.from(w["decoder.hidden.bias"], (b, h) => b + (conditional ? W[h * inputs + model.J + y] : 0));
  const given = { ...model, y, encoderBias, decoderBias };
  model.byClass.set(y, given);
  return given;
}

// values = W h + b for W (rows, size), written at `offset`.
function affine(W, b, h, values, offset) {
  const size = h.length, rows = b.length;
  for (let r = 0; r < rows; r++) {
    const at = r * size, last = size - (size % 4);
    let s0 = b[r], s1 = 0, s2 = 0, s3 = 0, i = 0;
    for (; i < last; i += 4) {
      s0 += W[at + i] * h[i];
      s1 += W[at + i + 1] * h[i + 1];
      s2 += W[at + i + 2] * h[i + 2];
      s3 += W[at + i + 3] * h[i + 3];
    }
    for (; i < size; i++) s0 += W[at + i] * h[i];
    values[offset + r] = s0 + s1 + (s2 + s3);
  }
}

// The units of the last hidden layer of "encoder" or "decoder", from what enters the activations of the first.
function hiddenUnits(model, part, first) {
  const f = ACTIVATIONS[model.info[part].activation], w = model.weights;
  let hidden = first.map(f);
  for (let layer = 0; w[`${part}.deeper.${layer}.bias`]; layer++) {
    const bias = w[`${part}.deeper.${layer}.bias`], next = new Float64Array(bias.length);
    affine(w[`${part}.deeper.${layer}.weight`], bias, hidden, next, 0);
    hidden = next.map(f);
  }
  return hidden;
}

// q(z|x) of an image x (D).
function encode(model, x) {
  const w = model.weights, first = model.encoderBias.slice(), E = first.length;
  for (let d = 0; d < model.D; d++) {
    if (x[d] === 0) continue;
    for (let e = 0, at = d * E; e < E; e++) first[e] += model.encoderHidden[at + e] * x[d];
  }
  const hidden = hiddenUnits(model, "encoder", first), mean = new Float64Array(model.J), logVar = new Float64Array(model.J);
  affine(w["encoder.mean.weight"], w["encoder.mean.bias"], hidden, mean, 0);
  if (w["encoder.log_var.weight"]) affine(w["encoder.log_var.weight"], w["encoder.log_var.bias"], hidden, logVar, 0);
  else logVar.fill(Math.log(model.info.encoder.variance));
  return { mean, logVar };
}

// Room for `count` decoded z.
function decodings(model, count) {
  const second = model.bernoulli ? null : new Float32Array(count * model.D);
  return { first: new Float32Array(count * model.D), second, constant: new Float64Array(count) };
}

// Decodes z (J) into row `index` of `out`.
function decode(model, z, out, index) {
  const { J, D, weights: w, info, decoderInputs } = model, at = index * D;
  const W = w["decoder.hidden.weight"], first = model.decoderBias.slice();
  for (let i = 0; i < first.length; i++) for (let j = 0; j < J; j++) first[i] += W[i * decoderInputs + j] * z[j];
  const hidden = hiddenUnits(model, "decoder", first);
  let constant = 0;
  if (model.bernoulli) {
    affine(w["decoder.logits.weight"], w["decoder.logits.bias"], hidden, out.first, at);
    for (let d = at; d < at + D; d++) constant -= softplus(out.first[d]);
  } else {
    affine(w["decoder.mean.weight"], w["decoder.mean.bias"], hidden, out.first, at);
    if (info.decoder.variance === null) affine(w["decoder.log_var.weight"], w["decoder.log_var.bias"], hidden, out.second, at);
    else out.second.fill(Math.log(info.decoder.variance), at, at + D);
    for (let d = at; d < at + D; d++) {
      if (info.decoder.min_std > 0) out.second[d] = Math.log(Math.exp(out.second[d]) + info.decoder.min_std ** 2);
      if (info.decoder.mean === "sigmoid") out.first[d] = sigmoid(out.first[d]);
      constant -= (LOG_2PI + out.second[d]) / 2;
      out.second[d] = Math.exp(-out.second[d] / 2);
    }
  }
  out.constant[index] = constant;
  return out;
}

// log p(x|z), nats, of the z decoded into row `index`.
function logLikelihood(model, out, index, x) {
  const D = model.D, at = index * D;
  let sum = 0;
  if (model.bernoulli) for (let d = 0; d < D; d++) sum += x[d] === 0 ? 0 : x[d] * out.first[at + d];
  else {
    for (let d = 0; d < D; d++) {
      const scaled = (x[d] - out.first[at + d]) * out.second[at + d];
      sum -= 0.5 * scaled * scaled;
    }
  }
  return out.constant[index] + sum;
}

// E[x|z] (D) of the z decoded into row `index`.
function meanImage(model, out, index) {
  const row = out.first.slice(index * model.D, (index + 1) * model.D);
  return model.bernoulli ? row.map(sigmoid) : row;
}
