/* The EM explorer: what the reader sees and touches. core.js does the arithmetic.

   <div class="em-explorer" data-set="anemia" data-k="2"> text shown without it </div>

   Further attributes: data-means="70,28 92,34", data-size, data-at (a half step or
   "end"), data-point, and, without a value, data-labels, data-fit, data-bound.
   A classic script without dependencies: it also runs in a page opened from a file. */
(function () {
  "use strict";
  const { EM, EM_DATA: SETS } = window;
  // As in emgmm.plots: groups differ in color, shape and line.
  const COLORS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7"];
  const RGB = COLORS.map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  const MARKS = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M0-5L4.6 3.4H-4.6Z",
    "M-3.6-3.6h7.2v7.2h-7.2z", "M0-5L4.4 0 0 5-4.4 0Z"];
  const DASHES = ["none", "7 4", "9 3 2 3", "2 3"];
  const RADIUS = Math.sqrt(-2 * Math.log(0.05)); // the ellipse that holds 95 %
  const SIZES = { 1: "as the data", 0.5: "half", 0.25: "a quarter", 0.1: "a tenth" };
  const OWN = { menu: "Draw your own", note: "Click or tap in the figure to add points.",
    axes: ["first feature (no unit)", "second feature (no unit)"], units: ["", ""],
    names: [], x: [], z: null };
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const highest = new Map(); // the highest rest found so far, for each data set and k

  // Small tools

  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));
  const minus = (text) => text.replace("-", "\u2212");
  const fixed = (v, digits = 2) => minus(v.toFixed(digits));
  const short = (v) => minus(String(Number(v.toPrecision(4))));
  const svg = (tag, attributes, parent) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    set(element, attributes);
    return parent ? parent.appendChild(element) : element;
  };
  const set = (element, attributes) => {
    for (const name in attributes) element.setAttribute(name, attributes[name]);
  };

  /* About n round numbers between lo and hi. */
  function ticks(lo, hi, n) {
    const raw = (hi - lo) / n, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((f) => f * power >= raw);
    const first = Math.ceil(lo / step), count = Math.floor(hi / step) - first + 1;
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return range(Math.max(0, count)).map((i) => {
      const value = (first + i) * step;
      return { value, text: fixed(value, digits).replace("\u22120", value < 0 ? "\u22120" : "0") };
    });
  }

  const TEMPLATE = `
    <div class="em-bar">
      <label>Data <select name="set"></select></label>
      <label>Groups <select name="k"></select></label>
      <label>Start size <select name="size"></select></label>
      <button type="button" name="random">Random start</button>
      <label><input type="checkbox" name="labels"> Labels</label>
      <label><input type="checkbox" name="fit"> Labeled fit</label>
      <label><input type="checkbox" name="bound"> Bound F</label>
    </div>
    <div class="em-body">
      <div class="em-main">
        <svg class="em-plot" role="group" aria-label="Figure with movable start means"></svg>
        <p class="em-note"></p>
        <div class="em-bar em-draw">
          <label>x <input type="number" name="u" min="0" max="10" step="0.1" value="5"></label>
          <label>y <input type="number" name="v" min="0" max="10" step="0.1" value="5"></label>
          <button type="button" name="add">Add point</button>
          <button type="button" name="undo">Remove last</button>
          <button type="button" name="clear">Clear</button>
        </div>
        <div class="em-bar em-steps">
          <button type="button" name="first">Start</button>
          <button type="button" name="back">Back</button>
          <button type="button" name="next" class="em-next">E-step</button>
          <button type="button" name="play">Play</button>
          <button type="button" name="last">End</button>
          <label class="em-wide">History <input type="range" name="at" min="0" value="0"></label>
        </div>
        <p class="em-status" role="status"></p>
      </div>
      <div class="em-side">
        <svg class="em-curve" role="img"></svg>
        <ul class="em-groups"></ul>
        <table class="em-bayes"><caption></caption>
          <thead><tr><th scope="col">group</th><th scope="col">\u03d5</th>
            <th scope="col"><i>N</i>(x)</th><th scope="col">\u03d5 <i>N</i>(x)</th>
            <th scope="col">w</th></tr></thead>
          <tbody></tbody></table>
        <label class="em-wide">Point <input type="range" name="point" min="0" value="0"></label>
        <p class="em-foot"><a class="em-link">Link to this state</a></p>
      </div>
    </div>`;

  // The state: what the fragment of the address holds, and all that is drawn

  const numbers = (text, n) => {
    const found = text.split(",").map(Number);
    return found.length === n && found.every(Number.isFinite) ? found : null;
  };
  const pairs = (text) => (text || "").split(/[ _]/).map((p) => numbers(p, 2)).filter(Boolean);

  /* A full state from words, whoever wrote them: what makes no sense is left out. */
  function toState(words) {
    const own = pairs(words.points).slice(0, 500).map((p) => p.map((v) => clamp(v, 0, 10)));
    const name = words.set === "own" || SETS[words.set] ? words.set : "anemia";
    const k = [1, 2, 3, 4].includes(Number(words.k)) ? Number(words.k) : 2;
    const x = name === "own" ? own : SETS[name].x;
    const means = pairs(words.means);
    const on = (key) => words[key] !== undefined && String(words[key]) !== "0";
    return {
      set: name, k, own, size: SIZES[words.size] ? Number(words.size) : 1,
      means: means.length === k ? means : spreadOut(x, k),
      at: words.at === "end" ? Infinity : Math.max(0, parseInt(words.at, 10) || 0),
      point: clamp(parseInt(words.point ?? x.length / 2, 10) || 0, 0, Math.max(0, x.length - 1)),
      labels: on("labels"), fit: on("fit"), bound: on("bound"),
    };
  }

  function toFragment(s, last) {
    const list = (points) => points.map((p) => p.map((v) => +v.toPrecision(6)).join(",")).join("_");
    const words = { explorer: s.set, k: s.k, means: list(s.means), size: s.size,
      at: last && s.at >= last ? "end" : s.at, point: s.point };
    for (const key of ["labels", "fit", "bound"]) words[key] = +s[key];
    if (s.set === "own") words.points = list(s.own);
    return "#" + Object.entries(words).map(([key, value]) => `${key}=${value}`).join("&");
  }

  function fromFragment() {
    const words = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    return words.explorer ? { ...words, set: words.explorer } : null;
  }

  /* Start means: examples at equal ranks of the first feature. */
  function spreadOut(x, k) {
    const sorted = [...x].sort((a, b) => a[0] - b[0]);
    return range(k).map((j) => sorted.length < 3
      ? [(10 * (j + 0.5)) / k, (10 * (j + 0.5)) / k]
      : [...sorted[Math.floor(((j + 0.5) * sorted.length) / k)]]);
  }

  /* Which label most of a group's examples carry; null when two groups share one. */
  function labelOfGroups(w, z, n) {
    const best = w.map((column) => {
      const count = new Array(n).fill(0);
      z.forEach((label, i) => { count[label] += column[i]; });
      return count.indexOf(Math.max(...count));
    });
    return new Set(best).size === best.length ? best : null;
  }

  function mount(host, defaults) {
    const still = document.createElement("div");
    still.className = "em-still";
    still.append(...host.childNodes);
    host.innerHTML = TEMPLATE;
    host.append(still);
    set(host, { role: "group", "aria-label": "EM explorer" });
    const $ = (selector) => host.querySelector(selector);
    const control = (name) => $(`[name="${name}"]`);
    const plot = $(".em-plot"), curve = $(".em-curve"), status = $(".em-status");
    const option = (parent, value, text) => parent.append(new Option(text, value));
    for (const key in SETS) option(control("set"), key, SETS[key].menu);
    option(control("set"), "own", OWN.menu);
    for (const k of [1, 2, 3, 4]) option(control("k"), k, k);
    for (const size of [1, 0.5, 0.25, 0.1]) option(control("size"), size, SIZES[size]);

    let s, data, order, run, labeled, view, timer = null, frame = null;

    // What follows from the state

    function load(words) {
      s = toState(words);
      data = s.set === "own" ? { ...OWN, x: s.own } : SETS[s.set];
      reset();
    }

    /* After the examples or k have changed: everything is built anew. */
    function reset() {
      order = range(data.x.length).sort((a, b) => data.x[a][0] - data.x[b][0]);
      labeled = data.z && EM.mStep(data.x, EM.oneHot(data.z, data.names.length));
      stop();
      rerun();
      build();
    }

    function rerun(limit = 500) {
      const atEnd = run && s.at >= run.history.length - 1;
      const spread = data.x.length > 2 && EM.cholesky(EM.startAt(data.x, [[0, 0]])[0].Sigma);
      run = spread && spread[0] > 0 && spread[2] > 1e-3
        ? EM.run(data.x, EM.startAt(data.x, s.means, s.size), { limit }) : null;
      s.at = run ? Math.min(atEnd ? Infinity : s.at, run.history.length - 1) : 0;
      if (run && run.end === "rest") {
        const key = `${s.set} ${s.k}`;
        highest.set(key, Math.max(highest.get(key) ?? -Infinity, last().logLikelihood));
      }
    }

    const last = () => run.history[run.history.length - 1];
    /* The parameters from which the present w was computed. */
    const painted = () => run.history[s.at > 0 && s.at % 2 === 0 ? s.at - 1 : s.at].theta;

    // Drawing: build() once for a size and a data set, paint() after every change

    function build() {
      const W = plot.parentElement.clientWidth, H = Math.round(clamp(W * 0.72, 260, 430));
      const box = { left: 46, right: W - 8, top: 8, bottom: H - 42 };
      const [u, v] = [0, 1].map((f) => {
        if (s.set === "own") return [0, 10];
        const values = data.x.map((p) => p[f]), lo = Math.min(...values), hi = Math.max(...values);
        return [lo - 0.07 * (hi - lo), hi + 0.07 * (hi - lo)];
      });
      const sx = (box.right - box.left) / (u[1] - u[0]), sy = (box.bottom - box.top) / (v[1] - v[0]);
      view = { W, H, box, u, v, sx, sy,
        px: (p) => [box.left + (p[0] - u[0]) * sx, box.bottom - (p[1] - v[0]) * sy],
        at: (X, Y) => [clamp(u[0] + (X - box.left) / sx, ...u), clamp(v[0] + (box.bottom - Y) / sy, ...v)] };
      plot.replaceChildren();
      set(plot, { width: W, height: H, viewBox: `0 0 ${W} ${H}` });
      axes(plot, box, ticks(...u, W / 90), ticks(...v, H / 70),
        (t) => view.px([t, 0])[0], (t) => view.px([0, t])[1], data.axes);
      // An ellipse may be wider than the figure: an inner svg cuts it off.
      const [x, y, width, height] = [box.left, box.top, box.right - box.left, box.bottom - box.top];
      const inside = svg("svg", { x, y, width, height, viewBox: `${x} ${y} ${width} ${height}`, class: "em-inside" }, plot);
      const layer = (name, parent = inside) => svg("g", { class: name }, parent);
      view.dots = layer("em-dots");
      view.dots.setAttribute("role", "img");
      view.marks = data.x.map((p) => svg("path", { transform: `translate(${view.px(p)})` }, view.dots));
      view.truth = layer("em-truth");
      view.trails = layer("em-trails");
      view.shapes = layer("em-shapes");
      view.ring = svg("circle", { class: "em-ring", r: 8 }, plot);
      view.alarm = svg("circle", { class: "em-alarm", r: 22 }, plot);
      view.handles = layer("em-handles", plot);
      view.groups = range(s.k).map(group);
      if (labeled) labeled.forEach((g, j) => {
        svg("circle", { r: 1, style: `transform:${matrix(g)}` }, view.truth);
        const [left, top] = view.px(g.mu);
        svg("text", { x: left, y: top, class: "em-name" }, view.truth).textContent = data.names[j];
      });
      paint();
    }

    function axes(parent, box, xs, ys, X, Y, [across, up]) {
      const g = svg("g", { class: "em-axes", "aria-hidden": "true" }, parent);
      svg("path", { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }, g);
      for (const { value, text } of xs) {
        svg("path", { d: `M${X(value)} ${box.bottom}v4` }, g);
        svg("text", { x: X(value), y: box.bottom + 16, "text-anchor": "middle" }, g).textContent = text;
      }
      for (const { value, text } of ys) {
        svg("path", { d: `M${box.left} ${Y(value)}h-4` }, g);
        svg("text", { x: box.left - 7, y: Y(value) + 4, "text-anchor": "end" }, g).textContent = text;
      }
      const middle = (box.left + box.right) / 2, height = (box.top + box.bottom) / 2;
      svg("text", { x: middle, y: box.bottom + 34, "text-anchor": "middle" }, g).textContent = across;
      svg("text", { transform: `translate(12 ${height}) rotate(-90)`, "text-anchor": "middle" }, g).textContent = up;
    }

    /* The unit circle becomes the ellipse: mu + RADIUS L (unit circle), in pixels. */
    function matrix({ mu, Sigma }) {
      const [l11, l21, l22] = EM.cholesky(Sigma).map((l) => l * RADIUS), [x, y] = view.px(mu);
      return `matrix(${l11 * view.sx},${-l21 * view.sy},0,${-l22 * view.sy},${x},${y})`;
    }

    function group(j) {
      const color = COLORS[j];
      const parts = {
        trail: svg("polyline", { stroke: color }, view.trails),
        ellipse: svg("circle", { r: 1, stroke: color, fill: color, "stroke-dasharray": DASHES[j] }, view.shapes),
        mean: svg("path", { d: MARKS[j], fill: color, class: "em-mean" }, view.shapes),
        handle: svg("g", { class: "em-handle", tabindex: 0, role: "slider" }, view.handles),
      };
      svg("circle", { r: 22, class: "em-hit" }, parts.handle);
      svg("circle", { r: 11, class: "em-grip", stroke: color }, parts.handle);
      svg("text", { y: 4, "text-anchor": "middle" }, parts.handle).textContent = j;
      movable(parts.handle, j);
      return parts;
    }

    function paint() {
      const state = run && run.history[s.at];
      const w = state && EM.eStep(data.x, painted());
      paintPoints(s.at > 0 ? w : null);
      for (const group of [...view.shapes.children, ...view.trails.children]) {
        group.style.display = run ? "" : "none";
      }
      view.groups.forEach((parts, j) => paintGroup(parts, j, state));
      view.truth.style.display = s.fit && labeled ? "" : "none";
      const fallen = run && run.end === "collapsed" && state === last();
      view.alarm.style.display = fallen ? "" : "none";
      if (fallen) place(view.alarm, state.theta[run.group].mu);
      paintCurve(state);
      paintPoint(w);
      paintControls(state);
      status.textContent = sentence(state, w);
    }

    const place = (element, p, size = 1) => {
      element.style.transform = `translate(${view.px(p).map((c) => `${c}px`)}) scale(${size})`;
    };

    function paintPoints(w) {
      const count = new Array(s.k).fill(0);
      view.marks.forEach((mark, i) => {
        const mix = [0, 0, 0];
        let top = 0;
        for (let j = 0; w && j < s.k; j++) {
          if (w[j][i] > w[top][i]) top = j;
          for (let c = 0; c < 3; c++) mix[c] += w[j][i] * RGB[j][c];
        }
        count[top]++;
        const shape = s.labels && data.z ? data.z[i] : w ? top : 0;
        if (mark.shape !== shape) mark.setAttribute("d", MARKS[(mark.shape = shape)]);
        mark.style.fill = w ? `rgb(${mix.map(Math.round)})` : "";
      });
      view.dots.setAttribute("aria-label", `${data.x.length} points, ` + (w
        ? count.map((n, j) => `${n} most probably in group ${j}`).join(", ") : "unpainted"));
    }

    function paintGroup({ trail, ellipse, mean, handle }, j, state) {
      const p = s.means[j], where = p.map((v, f) => `${short(v)} ${data.units[f]}`.trim()).join(", ");
      place(handle, p);
      set(handle, { "aria-valuenow": +p[0].toPrecision(4), "aria-valuemin": +view.u[0].toPrecision(4),
        "aria-valuemax": +view.u[1].toPrecision(4), "aria-valuetext": where,
        "aria-label": `Start mean of group ${j}, moved by arrow keys` });
      if (!state) return;
      ellipse.style.transform = matrix(state.theta[j]);
      place(mean, state.theta[j].mu, 1.7);
      const path = run.history.slice(0, s.at + 1).filter((h) => h.step !== "E");
      trail.setAttribute("points", path.map((h) => view.px(h.theta[j].mu).join()).join(" "));
    }

    function paintCurve(state) {
      const W = curve.parentElement.clientWidth, H = 190, box = { left: 62, right: W - 8, top: 10, bottom: H - 40 };
      curve.replaceChildren();
      set(curve, { width: W, height: H, viewBox: `0 0 ${W} ${H}`, "aria-label": "No log-likelihood yet" });
      if (!state) return;
      // With F only a few steps are shown: its stairs are small beside the whole climb.
      const n = run.history.length - 1, time = (h) => (h - 1) / 2;
      const from = s.bound ? clamp(s.at - 6, 0, Math.max(0, n - 9)) : 0, to = s.bound ? Math.min(n, from + 9) : n;
      const shown = run.history.slice(Math.max(from, n > 2 ? 2 : 0), to + 1);
      const level = s.fit && labeled ? EM.posterior(EM.logJoint(data.x, labeled)).logLikelihood : null;
      const values = shown.flatMap((h) => [h.logLikelihood, s.bound && h.F !== null ? h.F : h.logLikelihood]);
      if (level !== null && !s.bound) values.push(level);
      let lo = Math.min(...values), hi = Math.max(...values);
      const pad = 0.08 * (hi - lo) || 0.5;
      [lo, hi] = [lo - pad, hi + pad];
      const [t0, t1] = [time(from), Math.max(time(to), time(from) + 1)];
      const X = (t) => box.left + ((t - t0) / (t1 - t0)) * (box.right - box.left);
      const Y = (v) => clamp(box.bottom - ((v - lo) / (hi - lo)) * (box.bottom - box.top), box.top, box.bottom);
      axes(curve, box, ticks(t0, t1, 5).filter((t) => Number.isInteger(t.value)), ticks(lo, hi, 4), X, Y,
        ["iteration", s.bound ? "nats" : "log-likelihood (nats)"]);
      const line = (name, value, stairs) => {
        let d = "";
        run.history.forEach((h, i) => {
          if (i < from || i > to || value(h) === null || (!stairs && h.step === "M")) return;
          const point = `${X(time(i)).toFixed(1)} ${Y(value(h)).toFixed(1)}`;
          d += d ? (stairs ? `H${point.split(" ")[0]}V${point.split(" ")[1]}` : `L${point}`) : `M${point}`;
        });
        svg("path", { class: name, d }, curve);
      };
      if (level !== null) svg("path", { class: "em-level", d: `M${box.left} ${Y(level)}H${box.right}` }, curve);
      line("em-ell", (h) => h.logLikelihood, s.bound);
      if (s.bound) {
        line("em-bound", (h) => h.F, true);
        run.history.forEach((h, i) => {
          if (h.step === "E" && i >= from && i <= to) svg("circle", { class: "em-touch", r: 3, cx: X(time(i)), cy: Y(h.F) }, curve);
        });
        if (state.F !== null) svg("path", { class: "em-gap", d: `M${X(time(s.at))} ${Y(state.logLikelihood)}V${Y(state.F)}` }, curve);
      }
      svg("circle", { class: "em-now", r: 5, cx: X(time(s.at)), cy: Y(state.logLikelihood) }, curve);
      curve.setAttribute("aria-label", `Log-likelihood over ${run.n} iterations: it rises from ` +
        `${fixed(run.history[0].logLikelihood)} to ${fixed(last().logLikelihood)} nats` + (s.bound ? ". The bound F climbs below it and touches it after each E-step." : "."));
    }

    /* Bayes' rule at one example: the two factors of each group, and w. */
    function paintPoint(w) {
      const i = order[s.point], p = data.x[i];
      view.ring.style.display = p ? "" : "none";
      if (p) place(view.ring, p);
      $(".em-bayes").hidden = !w;
      $(".em-bayes caption").textContent = p ? `Bayes\u2019 rule at the point (${p.map((v, f) =>
        `${short(v)} ${data.units[f]}`.trim()).join(", ")})` + (data.z && s.labels ? `, label ${data.names[data.z[i]]}` : "") : "";
      const joint = w && EM.logJoint([p], painted()).map((a) => Math.exp(a[0]));
      const rows = w ? painted().map(({ phi }, j) => `<tr><th scope="row">${key(j)} ${j}</th><td>${fixed(phi, 3)}</td>
        <td>${science(joint[j] / phi)}</td><td>${science(joint[j])}</td><td>${fixed(w[j][i], 3)}</td></tr>`) : [];
      if (w) rows.push(`<tr><th scope="row">sum</th><td>1</td><td></td><td>${science(joint.reduce((a, b) => a + b))}</td><td>1</td></tr>`);
      $(".em-bayes tbody").innerHTML = rows.join("");
      control("point").setAttribute("aria-valuetext", p ? `${$(".em-bayes caption").textContent}: ` +
        (w ? w.map((column, j) => `group ${j} ${fixed(column[i], 3)}`).join(", ") : "") : "no points");
    }

    const key = (j) => `<svg class="em-key" width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true"><path d="${MARKS[j]}" fill="${COLORS[j]}"/></svg>`;
    const science = (v) => {
      const [digits, power] = v.toExponential(2).split("e");
      return Math.abs(power) < 4 ? v.toPrecision(3) : `${digits}\u00b710<sup>${minus(power.replace("+", ""))}</sup>`;
    };

    function paintControls(state) {
      for (const name of ["set", "k", "size"]) control(name).value = s[name];
      for (const name of ["labels", "fit", "bound"]) control(name).checked = s[name];
      for (const name of ["labels", "fit"]) control(name).disabled = !data.z;
      set(control("at"), { max: run ? run.history.length - 1 : 0 });
      control("at").value = s.at;
      control("at").setAttribute("aria-valuetext", state ? moment(state) : "no run");
      set(control("point"), { max: Math.max(0, data.x.length - 1) });
      control("point").value = s.point;
      const ended = !run || state === last();
      control("next").textContent = s.at % 2 && !ended ? "M-step" : "E-step";
      control("next").setAttribute("aria-disabled", ended);
      control("play").textContent = timer ? "Pause" : "Play";
      status.setAttribute("aria-live", timer ? "off" : "polite");
      $(".em-draw").hidden = s.set !== "own";
      $(".em-note").textContent = data.note + (s.labels && data.z
        ? ` Shapes show the labels: ${data.names.map((n, j) => `${["circle", "triangle", "square"][j]} ${n}`).join(", ")}.` : "");
      $(".em-groups").innerHTML = state ? state.theta.map(({ phi, mu }, j) => `<li>${key(j)} group ${j}: \u03d5 ${fixed(phi)},
        mean (${mu.map((v, f) => `${short(v)} ${data.units[f]}`.trim()).join(", ")})</li>`).join("") : "";
      $(".em-link").href = toFragment(s, run ? run.history.length - 1 : 0);
    }

    // Words

    const moment = (state) => state.step === "start" ? "Start" : `Iteration ${Math.ceil(s.at / 2)}, after the ${state.step}-step`;

    function sentence(state, w) {
      if (!state) return "EM needs at least three points that are not on one line. Add some.";
      const words = [`${moment(state)}: log-likelihood ${fixed(state.logLikelihood)} nats.`];
      if (s.bound && state.step === "E") words.push("F touches it.");
      if (s.bound && state.step === "M") words.push(`F is ${fixed(state.logLikelihood - state.F)} nats lower.`);
      if (state === last()) words.push(ending(), numbering(w));
      return words.filter(Boolean).join(" ");
    }

    function ending() {
      if (run.end === "collapsed") return `Group ${run.group} has collapsed: it holds about ` +
        `${Math.round(last().theta[run.group].phi * data.x.length)} of the points, too few or too much in line ` +
        "to keep a width. Its density has no upper limit, so EM stops here. Move its start mean or choose a larger start size.";
      if (run.end === "limit") return `Not at rest after ${run.n} iterations.`;
      const gap = highest.get(`${s.set} ${s.k}`) - last().logLikelihood;
      return "EM rests here. " + (gap > 0.01 ? `You have seen a higher rest: ${fixed(gap)} nats above this one.`
        : "No start so far has led higher.");
    }

    function numbering(w) {
      const found = s.labels && data.z && s.k === data.names.length && labelOfGroups(w, data.z, s.k);
      if (!found) return "";
      return (found.every((label, j) => label === j) ? "" : "The numbers are swapped: ") +
        found.map((label, j) => `group ${j} is ${data.names[label]}`).join(", ") + ".";
    }

    // What the reader does

    function go(at, glide = false) {
      host.classList.toggle("em-glide", glide);
      s.at = run ? clamp(at, 0, run.history.length - 1) : 0;
      paint();
    }

    function stop() {
      clearInterval(timer);
      timer = null;
    }

    function play() {
      if (timer) { stop(); return paint(); }
      if (run && state() === last()) go(0);
      timer = setInterval(() => {
        if (!run || s.at + 1 >= run.history.length - 1) stop();
        go(s.at + 1, true);
      }, calm.matches ? 1000 : 400);
      paint();
    }
    const state = () => run.history[s.at];

    function moveMean(j, p, limit) {
      stop();
      s.means[j] = p;
      host.classList.remove("em-glide");
      rerun(limit);
      paint();
    }

    function movable(handle, j) {
      const here = (event) => {
        const { left, top } = plot.getBoundingClientRect();
        return view.at(event.clientX - left, event.clientY - top);
      };
      handle.addEventListener("pointerdown", (event) => {
        handle.setPointerCapture(event.pointerId);
        event.preventDefault();
        handle.focus();
      });
      // A finger on a handle drags it; elsewhere it scrolls the page. (Chromium does
      // not heed touch-action on the parts of an svg.)
      handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
      // One run per frame, and a short one: the full run follows on release.
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => moveMean(j, here(event), 60));
      });
      handle.addEventListener("pointerup", (event) => {
        cancelAnimationFrame(frame);
        moveMean(j, here(event));
      });
      handle.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        if (!by) return;
        event.preventDefault();
        const n = event.shiftKey ? 200 : 40, [x, y] = s.means[j];
        moveMean(j, [clamp(x + (by[0] * (view.u[1] - view.u[0])) / n, ...view.u),
          clamp(y + (by[1] * (view.v[1] - view.v[0])) / n, ...view.v)]);
      });
    }

    function addPoint(p) {
      if (s.set !== "own" || s.own.length >= 500) return;
      s.own.push(p.map((v) => clamp(Math.round(v * 100) / 100, 0, 10)));
      changed();
    }

    function changed() {
      highest.delete(`own ${s.k}`);
      s.point = Math.max(0, s.own.length - 1);
      reset();
    }

    /* The example nearest to the pointer, if it is near enough to be meant. */
    function choose(event) {
      const { left, top } = plot.getBoundingClientRect();
      let near = 20, found = -1;
      order.forEach((i, rank) => {
        const [x, y] = view.px(data.x[i]), far = Math.hypot(x + left - event.clientX, y + top - event.clientY);
        if (far < near) [near, found] = [far, rank];
      });
      if (found < 0 || found === s.point) return;
      s.point = found;
      paintControls(run && state());
      paintPoint(run && EM.eStep(data.x, painted()));
    }

    plot.addEventListener("pointermove", (event) => { if (!event.buttons) choose(event); });
    plot.addEventListener("click", (event) => {
      if (event.target.closest(".em-handle")) return;
      const { left, top } = plot.getBoundingClientRect();
      addPoint(view.at(event.clientX - left, event.clientY - top));
      choose(event);
    });
    const reload = (words) => { run = null; load({ ...s, points: "", means: "", ...words }); };
    const on = (name, type, act) => control(name).addEventListener(type, (event) => act(event.target));
    const ownPoints = () => s.own.map((p) => p.join()).join(" ");
    const flags = () => Object.fromEntries(["labels", "fit", "bound"].map((key) => [key, +s[key]]));
    on("set", "change", ({ value }) => reload({ ...flags(), set: value, points: ownPoints(), at: 0, point: undefined }));
    on("k", "change", ({ value }) => reload({ ...flags(), k: value, points: ownPoints() }));
    on("size", "change", ({ value }) => { s.size = Number(value); stop(); rerun(); paint(); });
    on("random", "click", () => {
      const left = [...data.x];
      const draw = () => left.splice(Math.floor(Math.random() * left.length), 1)[0];
      if (left.length >= s.k) s.means = range(s.k).map(() => [...draw()]);
      stop();
      rerun();
      paint();
    });
    for (const name of ["labels", "fit", "bound"]) on(name, "change", ({ checked }) => { s[name] = checked; paint(); });
    on("first", "click", () => { stop(); go(0); });
    on("back", "click", () => { stop(); go(s.at - 1, true); });
    on("next", "click", () => { stop(); go(s.at + 1, true); });
    on("last", "click", () => { stop(); go(Infinity); });
    on("play", "click", play);
    on("at", "input", ({ value }) => { stop(); go(Number(value)); });
    on("point", "input", ({ value }) => { s.point = Number(value); paint(); });
    on("add", "click", () => addPoint([Number(control("u").value), Number(control("v").value)]));
    on("undo", "click", () => { s.own.pop(); changed(); });
    on("clear", "click", () => { s.own.length = 0; changed(); });
    if (defaults.first) window.addEventListener("hashchange", restore);

    function restore() {
      const words = fromFragment();
      if (words) { run = null; load(words); }
      return Boolean(words);
    }
    const shared = defaults.first && restore();
    if (!shared) load(defaults.words);
    new ResizeObserver(() => {
      const width = plot.parentElement.clientWidth; // 0 on paper, where nothing shows
      if (width && width !== view.W) build();
    }).observe(plot.parentElement);
    host.dataset.ready = "true";
    if (shared) host.scrollIntoView();
  }

  const mountAll = () => document.querySelectorAll(".em-explorer").forEach((host, i) =>
    mount(host, { words: { ...host.dataset }, first: i === 0 }));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountAll);
  else mountAll();
})();
