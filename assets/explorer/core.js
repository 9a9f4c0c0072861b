/* EM for a mixture of k Gaussians in the plane: the numbers behind the explorer.
   It knows nothing of the page; tests run this file and compare it with emgmm.

   x      array of [u, v], one example each
   theta  array of groups { phi, mu: [u, v], Sigma: [uu, uv, vv] }
   w      w[j][i]: how much example i belongs to group j */
(function (root) {
  "use strict";
  const LOG_2PI = Math.log(2 * Math.PI);
  // As in emgmm: a group this many times narrower than the data has collapsed.
  const NARROW = 1e6;
  const EMPTY = 1e-300;

  /* Lower triangular L with L L^T = Sigma, as [l11, l21, l22]; NaN when it has none. */
  function cholesky([uu, uv, vv]) {
    const l11 = Math.sqrt(uu);
    const l21 = uv / l11;
    return [l11, l21, Math.sqrt(vv - l21 * l21)];
  }

  /* L^-1 (u, v), by forward substitution. */
  function solve([l11, l21, l22], u, v) {
    const a = u / l11;
    return [a, (v - l21 * a) / l22];
  }

  /* log phi_j + log N(x_i; mu_j, Sigma_j), like w in shape. */
  function logJoint(x, theta) {
    return theta.map(({ phi, mu, Sigma }) => {
      const L = cholesky(Sigma);
      const constant = Math.log(phi) - LOG_2PI - Math.log(L[0]) - Math.log(L[2]);
      const joint = new Float64Array(x.length);
      for (let i = 0; i < x.length; i++) {
        // solve(L, x_i - mu), written out: nothing runs more often than this.
        const a = (x[i][0] - mu[0]) / L[0], b = (x[i][1] - mu[1] - L[1] * a) / L[2];
        joint[i] = constant - 0.5 * (a * a + b * b);
      }
      return joint;
    });
  }

  /* Bayes' rule, by log-sum-exp: responsibilities and the log-likelihood in nats. */
  function posterior(a) {
    const w = a.map((column) => new Float64Array(column.length));
    let logLikelihood = 0;
    for (let i = 0; i < a[0].length; i++) {
      let top = -Infinity;
      for (const column of a) top = Math.max(top, column[i]);
      let sum = 0;
      for (let j = 0; j < a.length; j++) sum += w[j][i] = Math.exp(a[j][i] - top);
      for (let j = 0; j < a.length; j++) w[j][i] /= sum;
      logLikelihood += top + Math.log(sum);
    }
    return { w, logLikelihood };
  }

  const eStep = (x, theta) => posterior(logJoint(x, theta)).w;

  /* Shares, means and covariances, each weighted by w. */
  function mStep(x, w) {
    return w.map((column) => {
      let N = 0, u = 0, v = 0, uu = 0, uv = 0, vv = 0;
      x.forEach((p, i) => {
        N += column[i];
        u += column[i] * p[0];
        v += column[i] * p[1];
      });
      u /= N;
      v /= N;
      x.forEach((p, i) => {
        const a = p[0] - u, b = p[1] - v;
        uu += column[i] * a * a;
        uv += column[i] * a * b;
        vv += column[i] * b * b;
      });
      return { phi: N / x.length, mu: [u, v], Sigma: [uu / N, uv / N, vv / N] };
    });
  }

  const oneHot = (z, k) =>
    Array.from({ length: k }, (_, j) => Float64Array.from(z, (label) => +(label === j)));

  /* sum_ij w_ij a_ij; where w is 0 it adds nothing, even if a is -Infinity. */
  function expected(w, a) {
    let sum = 0;
    w.forEach((column, j) => {
      for (let i = 0; i < column.length; i++) {
        if (column[i] > 0) sum += column[i] * a[j][i];
      }
    });
    return sum;
  }

  /* The bound F = sum w log p(x, z) + H(w). */
  const entropy = (w) => -expected(w, w.map((column) => column.map(Math.log)));
  const elbo = (x, w, theta) => expected(w, logJoint(x, theta)) + entropy(w);

  /* Which group has collapsed or lost all its examples; -1 when none has.
     L is the Cholesky factor of all examples, so units do not matter. */
  function collapsed(theta, L) {
    return theta.findIndex(({ phi, Sigma }) => {
      const own = cholesky(Sigma);
      const [a, b] = solve(own, L[0], L[1]);
      const [, c] = solve(own, 0, L[2]);
      return !(phi > EMPTY && a * a + b * b + c * c < NARROW * NARROW);
    });
  }

  /* All groups alike in share and shape; the shape is that of all examples, scaled. */
  function startAt(x, means, size = 1) {
    const [{ Sigma }] = mStep(x, [new Float64Array(x.length).fill(1)]);
    const scaled = Sigma.map((s) => s * size * size);
    return means.map((mu) => ({ phi: 1 / means.length, mu: [...mu], Sigma: scaled }));
  }

  /* What the geometric series says is still to be gained, from the last gains. */
  function stillToGain(ell) {
    const [a, b, c, d] = ell.slice(-4);
    const r = Math.max((d - c) / (c - b), (c - b) / (b - a));
    return r < 1 ? ((d - c) * r) / (1 - r) : Infinity;
  }

  /* Half step by half step: history[0] is the start, then E, M, E, M, ...
     F is the bound for the w of the last E-step. end says why it stopped: "rest",
     "limit" or "collapsed": the next M-step would leave the group named by group with
     these N examples and no width. */
  function run(x, start, { limit = 500, tol = 1e-6 } = {}) {
    const L = cholesky(startAt(x, [[0, 0]])[0].Sigma);
    let theta = start, a = logJoint(x, theta), { w, logLikelihood } = posterior(a);
    const history = [{ step: "start", theta, logLikelihood, F: null }];
    const ell = [logLikelihood];
    const ended = (end, what = {}) => ({ history, end, n: ell.length - 1, ...what });
    for (;;) {
      const H = entropy(w);
      history.push({ step: "E", theta, logLikelihood, F: expected(w, a) + H });
      const gain = ell[ell.length - 1] - ell[ell.length - 2];
      // Rounding alone makes gains of about 1e-10 nats.
      if (tol > 0 && (gain < 1e-9 || stillToGain(ell) < tol)) return ended("rest");
      if (ell.length > limit) return ended("limit");
      const next = mStep(x, w);
      const group = collapsed(next, L);
      if (group >= 0) return ended("collapsed", { group, N: next[group].phi * x.length });
      theta = next;
      a = logJoint(x, theta);
      const F = expected(w, a) + H;
      ({ w, logLikelihood } = posterior(a));
      ell.push(logLikelihood);
      history.push({ step: "M", theta, logLikelihood, F });
    }
  }

  const EM = { cholesky, logJoint, posterior, eStep, mStep, oneHot, elbo, startAt, run };
  root.EM = EM;
  if (typeof module !== "undefined") module.exports = EM;
})(typeof window === "undefined" ? globalThis : window);
