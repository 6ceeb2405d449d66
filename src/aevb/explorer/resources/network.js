"use strict";
// The model: x -> q(z|x) = N(mean, diag exp(logVar)) and z -> p(x|z), one hidden layer each.
//
// A decoded z is two rows of D numbers and a constant, so that log p(x|z) is one pass over the pixels:
//   Bernoulli   first = logits l                 constant = -sum softplus(l)              log p = constant + sum x l
//   Gaussian    first = mean, second = 1/sigma   constant = -1/2 sum (log 2 pi sigma^2)   log p = constant - 1/2 sum ((x - mean)/sigma)^2

const LOG_2PI = Math.log(2 * Math.PI);
const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
const ACTIVATIONS = {
  tanh: Math.tanh,
  relu: (v) => Math.max(v, 0),
  softplus: softplus,
  sigmoid: sigmoid,
  elu: (v) => (v > 0 ? v : Math.expm1(v)),
  silu: (v) => v * sigmoid(v),
};

// info: the model's entry in the page. texts: base64 by parameter name.
function buildModel(info, texts) {
  const w = {};
  for (const [name, text] of Object.entries(texts)) w[name] = floatsOf(text, info.precision);
  const J = info.latent_dim, D = info.shape[0] * info.shape[1], E = w["encoder.hidden.bias"].length;
  const model = { J, D, info, weights: w, bernoulli: info.decoder.kind === "bernoulli" };
  model.encoderHidden = transposed(w["encoder.hidden.weight"], E, D); // (D, E): pixels of zero are skipped
  model.encoderSize = E;
  model.decoderSize = w["decoder.hidden.bias"].length;
  model.noise = floatsOf(info.noise, "float16");
  return model;
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

// q(z|x) of an image x (D).
function encode(model, x) {
  const w = model.weights, E = model.encoderSize, hidden = Float64Array.from(w["encoder.hidden.bias"]);
  for (let d = 0; d < model.D; d++) {
    if (x[d] === 0) continue;
    for (let e = 0, at = d * E; e < E; e++) hidden[e] += model.encoderHidden[at + e] * x[d];
  }
  const f = ACTIVATIONS[model.info.encoder.activation];
  for (let e = 0; e < E; e++) hidden[e] = f(hidden[e]);
  const mean = new Float64Array(model.J), logVar = new Float64Array(model.J);
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
  const { J, D, weights: w, info } = model, H = model.decoderSize, at = index * D;
  const W = w["decoder.hidden.weight"], b = w["decoder.hidden.bias"], hidden = new Float64Array(H);
  const f = ACTIVATIONS[info.decoder.activation];
  for (let i = 0; i < H; i++) {
    let sum = b[i];
    for (let j = 0; j < J; j++) sum += W[i * J + j] * z[j];
    hidden[i] = f(sum);
  }
  let constant = 0;
  if (model.bernoulli) {
    affine(w["decoder.logits.weight"], w["decoder.logits.bias"], hidden, out.first, at);
    for (let d = at; d < at + D; d++) constant -= softplus(out.first[d]);
  } else {
    affine(w["decoder.mean.weight"], w["decoder.mean.bias"], hidden, out.first, at);
    if (info.decoder.variance === null) affine(w["decoder.log_var.weight"], w["decoder.log_var.bias"], hidden, out.second, at);
    else out.second.fill(Math.log(info.decoder.variance), at, at + D);
    for (let d = at; d < at + D; d++) {
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
