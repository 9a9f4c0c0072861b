/* Pieces that the explorer's two figures are drawn with. */
(function (root) {
  "use strict";
  const { EM } = root;
  // As in emgmm.plots: groups differ in color, in shape and in line.
  const COLORS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7"];
  const MARKS = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M0-5L4.6 3.4H-4.6Z",
    "M-3.6-3.6h7.2v7.2h-7.2z", "M0-5L4.4 0 0 5-4.4 0Z"];
  const DOT = "M-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0"; // of no group yet
  const DASHES = ["none", "7 4", "9 3 2 3", "2 3"];
  const RADIUS = Math.sqrt(-2 * Math.log(0.05)); // the ellipse that holds 95 %
  const RGB = COLORS.map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  const WINDOW = 9; // half steps shown with the bound: its stairs are small
  const NARROWEST = 200; // nothing can be drawn in less, nor while nothing shows
  // As in the chapters: at t stands the E-step of theta^t, at t + 1/2 the M-step that
  // makes theta^(t+1). The start is theta^0.
  const iteration = (h) => Math.max(0, (h - 1) / 2);

  const set = (element, attributes) => {
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    return element;
  };
  const svg = (tag, attributes, parent) =>
    parent.appendChild(set(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes));
  const say = (text, attributes, parent) => {
    svg("text", attributes, parent).textContent = text;
  };

  // Numbers as text

  const minus = (text) => text.replace("-", "\u2212");
  const fixed = (v, digits = 2) => minus(v.toFixed(digits));
  const short = (v) => minus(String(Number(v.toPrecision(4))));
  /* e^a in three digits, also where the number itself would underflow to 0. */
  function exponential(a) {
    const log10 = a / Math.LN10, power = Math.floor(log10);
    if (power > -4 && power < 4) return Math.exp(a).toPrecision(3);
    return `${(10 ** (log10 - power)).toFixed(2)}\u00b710<sup>${minus(String(power))}</sup>`;
  }

  /* About n round numbers between lo and hi. */
  function ticks(lo, hi, n) {
    const raw = (hi - lo) / n, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((f) => f * power >= raw);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const found = [];
    for (let i = Math.ceil(lo / step); i * step <= hi; i++) {
      found.push({ value: i * step, text: fixed(i * step + 0, digits) });
    }
    return found;
  }

  const whole = (lo, hi) => ticks(lo, hi, 5).filter((t) => Number.isInteger(t.value))
    .map(({ value }) => ({ value, text: String(value) }));

  /* Two axes with their ticks; X and Y turn values into pixels. */
  function axes(parent, box, xs, ys, X, Y, [across, up]) {
    const g = svg("g", { class: "em-axes", "aria-hidden": "true" }, parent);
    svg("path", { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }, g);
    for (const { value, text } of xs) {
      svg("path", { d: `M${X(value)} ${box.bottom}v4` }, g);
      say(text, { x: X(value), y: box.bottom + 16, "text-anchor": "middle" }, g);
    }
    for (const { value, text } of ys) {
      svg("path", { d: `M${box.left} ${Y(value)}h-4` }, g);
      say(text, { x: box.left - 7, y: Y(value) + 4, "text-anchor": "end" }, g);
    }
    const middle = (box.left + box.right) / 2, height = (box.top + box.bottom) / 2;
    say(across, { x: middle, y: box.bottom + 34, "text-anchor": "middle" }, g);
    const long = 6.6 * up.length > box.bottom; // on a phone
    say(up, { transform: `translate(12 ${height}) rotate(-90)`, "text-anchor": "middle",
      class: long ? "em-long" : "" }, g);
  }

  /* From data to pixels and back, for a figure that is so wide and shows u and v. */
  function frame(wide, [u, v]) {
    const width = Math.max(NARROWEST, wide);
    const height = Math.round(Math.min(430, Math.max(260, width * 0.72)));
    const box = { left: 46, right: width - 8, top: 8, bottom: height - 42 };
    const sx = (box.right - box.left) / (u[1] - u[0]);
    const sy = (box.bottom - box.top) / (v[1] - v[0]);
    const X = (a) => box.left + (a - u[0]) * sx, Y = (b) => box.bottom - (b - v[0]) * sy;
    return { width, height, box, u, v, X, Y, sx, sy,
      px: ([a, b]) => [X(a), Y(b)],
      back: (left, top) => [u[0] + (left - box.left) / sx, v[0] + (box.bottom - top) / sy] };
  }

  /* The transform that makes the unit circle a group's ellipse: mu + RADIUS L circle. */
  function ellipse({ mu, Sigma }, view) {
    const [l11, l21, l22] = EM.cholesky(Sigma).map((l) => l * RADIUS), [x, y] = view.px(mu);
    return `matrix(${l11 * view.sx},${-l21 * view.sy},0,${-l22 * view.sy},${x},${y})`;
  }

  /* The groups' colors, mixed by the weights of one example. */
  function mixed(w, i) {
    const rgb = [0, 1, 2].map((c) => w.reduce((sum, column, j) => sum + column[i] * RGB[j][c], 0));
    return `rgb(${rgb.map(Math.round)})`;
  }

  /* What the lower plot shows of a run: which half steps, and between which values. */
  function span(run, at, bound, level) {
    const n = run.history.length - 1;
    const from = bound ? Math.max(0, Math.min(at - 6, n - WINDOW)) : 0;
    const to = bound ? Math.min(n, from + WINDOW) : n;
    // The start may lie so low that nothing else could be told apart.
    const shown = run.history.slice(Math.max(from, n > 2 ? 2 : 0), to + 1);
    const values = shown.map((h) => h.logLikelihood);
    if (bound) values.push(...shown.filter((h) => h.F !== null).map((h) => h.F));
    else if (level !== null) values.push(level);
    const lo = Math.min(...values), hi = Math.max(...values);
    // Not so close that the ticks would need more digits than fit.
    const pad = Math.max(0.08 * (hi - lo), 2e-4 * Math.abs(hi), 1e-3);
    return { from, to, lo: lo - pad, hi: hi + pad };
  }

  /* The log-likelihood of a run as a staircase and, with bound, F below it as another. */
  function curve(parent, wide, run, at, bound, level) {
    const width = Math.max(NARROWEST, wide);
    const height = 190, box = { left: 62, right: width - 8, top: 10, bottom: height - 40 };
    const { from, to, lo, hi } = span(run, at, bound, level);
    const t0 = iteration(from), t1 = Math.max(iteration(to), t0 + 1);
    const X = (t) => box.left + ((t - t0) / (t1 - t0)) * (box.right - box.left);
    const Y = (v) => box.bottom - ((v - lo) / (hi - lo)) * (box.bottom - box.top);
    set(parent, { width, height, viewBox: `0 0 ${width} ${height}` });
    axes(parent, box, whole(t0, t1),
      ticks(lo, hi, 4), X, Y, ["iteration", bound ? "nats" : "log-likelihood (nats)"]);
    const line = (name, value) => {
      let d = "";
      for (let h = from; h <= to; h++) {
        const v = value(run.history[h]), x = X(iteration(h)).toFixed(1);
        if (v === null || v < lo) continue;
        const y = Y(v).toFixed(1);
        d += d ? `H${x}V${y}` : `M${x} ${y}`;
      }
      path(name, d);
    };
    const path = (name, d) => svg("path", { class: name, d }, parent);
    const now = run.history[at], x = X(iteration(at));
    if (level !== null && lo <= level && level <= hi) path("em-level", `M${box.left} ${Y(level)}H${box.right}`);
    line("em-ell", (h) => h.logLikelihood);
    if (bound) line("em-bound", (h) => h.F);
    for (let h = from; bound && h <= to; h++) {
      const { step, F } = run.history[h];
      if (step === "E" && F >= lo) svg("circle", { class: "em-touch", r: 3, cx: X(iteration(h)), cy: Y(F) }, parent);
    }
    if (bound && now.F !== null) path("em-gap", `M${x} ${Y(now.logLikelihood)}V${Y(now.F)}`);
    // An arrow says that the value lies lower than the plot.
    if (now.logLikelihood < lo) path("em-now", `M${x} ${box.bottom}l-5-9h10z`);
    else svg("circle", { class: "em-now", r: 5, cx: x, cy: Y(now.logLikelihood) }, parent);
  }

  EM.draw = { COLORS, MARKS, DOT, DASHES, set, svg, say, fixed, short, exponential, ticks,
    axes, frame, ellipse, mixed, iteration, curve };
})(window);
