/* The EM explorer: what the reader sees and touches.

   <div class="em-explorer" data-set="anemia" data-k="2"> text shown without it </div>

   Further attributes: data-means="70,28 92,34", data-size, data-at (a half step or
   "end"), data-point, and, without a value, data-labels, data-fit, data-bound.
   Classic scripts without dependencies: they also run in a page opened from a file.
   core.js does the arithmetic, state.js the memory, draw.js the pieces of a figure. */
(function () {
  "use strict";
  const { EM, EM_DATA: SETS } = window;
  const { SIZES, FLAGS, MOST, OWN, clamp } = EM.state;
  const { COLORS, MARKS, DOT, DASHES, svg, set, fixed, short } = EM.draw;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const key = (j) => `<svg class="em-key" width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">
    <path d="${MARKS[j]}" fill="${COLORS[j]}"/></svg>`;

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
          <label>x <input type="number" name="u" min="0" max="10" step="0.01" value="5" required></label>
          <label>y <input type="number" name="v" min="0" max="10" step="0.01" value="5" required></label>
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

  /* Which label most of a group's examples carry; null when two groups share one. */
  function labelOfGroups(w, z, n) {
    const best = w.map((column) => {
      const count = new Array(n).fill(0);
      z.forEach((label, i) => { count[label] += column[i]; });
      return count.indexOf(Math.max(...count));
    });
    return new Set(best).size === best.length ? best : null;
  }

  /* Two groups that began in one place, and so stay together; null when there are none. */
  function alike(theta) {
    const all = theta.map(({ mu, Sigma }) => String([mu, Sigma]));
    const j = all.findIndex((group, j) => all.indexOf(group) < j);
    return j < 0 ? null : [all.indexOf(all[j]), j];
  }

  function mount(host, defaults) {
    const still = document.createElement("div");
    still.className = "em-still";
    still.append(...host.childNodes);
    host.innerHTML = TEMPLATE;
    host.append(still);
    set(host, { role: "group", "aria-label": "EM explorer" });
    const $ = (selector) => host.querySelector(selector);
    $(".em-foot").hidden = !defaults.first; // the page's address has room for one
    const control = (name) => $(`[name="${name}"]`);
    const plot = $(".em-plot"), curve = $(".em-curve"), status = $(".em-status");
    const option = (parent, value, text) => parent.append(new Option(text, value));
    for (const key in SETS) option(control("set"), key, SETS[key].menu);
    option(control("set"), "own", OWN.menu);
    for (const k of [1, 2, 3, 4]) option(control("k"), k, k);
    for (const size of [1, 0.5, 0.25, 0.1]) option(control("size"), size, SIZES[size]);

    let s, data, order, run, labeled, level, view, timer = null, frame = null;
    const highest = new Map(); // the highest rest shown so far, for each data set and k

    // What follows from the state

    function load(words) {
      s = EM.state.fromWords(words);
      data = EM.state.dataOf(s);
      reset();
    }

    /* After the examples or k have changed: everything is built anew. */
    function reset() {
      order = range(data.x.length).sort((a, b) => data.x[a][0] - data.x[b][0]);
      labeled = data.z && EM.mStep(data.x, EM.oneHot(data.z, data.names.length));
      level = labeled && EM.posterior(EM.logJoint(data.x, labeled)).logLikelihood;
      if (s.set === "own") highest.delete(`own ${s.k}`); // other points, other rests
      stop();
      rerun();
      build();
    }

    function rerun(limit = 500) {
      const atEnd = run && s.at >= run.history.length - 1;
      const spread = data.x.length > 2 && EM.cholesky(EM.startAt(data.x, [[0, 0]])[0].Sigma);
      run = spread && spread[0] > 0 && spread[2] > 1e-6
        ? EM.run(data.x, EM.startAt(data.x, s.means, s.size), { limit }) : null;
      s.at = run ? Math.min(atEnd ? Infinity : s.at, run.history.length - 1) : 0;
    }

    const words = () => EM.state.toWords(s, run ? run.history.length - 1 : 0);
    const now = () => run && run.history[s.at];
    const last = () => run.history[run.history.length - 1];
    /* The parameters from which the present w was computed. */
    const painted = () => run.history[s.at > 0 && s.at % 2 === 0 ? s.at - 1 : s.at].theta;

    // Drawing: build() once for a size and a data set, paint() after every change

    function build() {
      view = EM.draw.frame(plot.parentElement.clientWidth, EM.state.bounds(s.set));
      const { box, width: W, height: H } = view;
      plot.replaceChildren();
      set(plot, { width: W, height: H, viewBox: `0 0 ${W} ${H}` });
      EM.draw.axes(plot, box, EM.draw.ticks(...view.u, W / 90), EM.draw.ticks(...view.v, H / 70),
        view.X, view.Y, data.axes);
      // An ellipse may be wider than the figure: an inner svg cuts it off.
      const [x, y, width, height] = [box.left, box.top, box.right - box.left, box.bottom - box.top];
      const inside = svg("svg", { x, y, width, height, class: "em-inside",
        viewBox: `${x} ${y} ${width} ${height}` }, plot);
      const layer = (name, parent = inside) => svg("g", { class: name }, parent);
      view.dots = layer("em-dots");
      view.dots.setAttribute("role", "img");
      view.marks = data.x.map(mark);
      view.truth = layer("em-truth");
      view.trails = layer("em-trails");
      view.shapes = layer("em-shapes");
      view.ring = svg("circle", { class: "em-ring", r: 8 }, plot);
      view.alarm = svg("circle", { class: "em-alarm", r: 22 }, plot);
      view.handles = layer("em-handles", plot);
      view.groups = range(s.k).map(group);
      if (labeled) labeled.forEach(labeledGroup);
      paint();
    }

    /* A point: the shape of its group and, shown instead, the initial of its label. */
    function mark(p, i) {
      const g = svg("g", { transform: `translate(${view.px(p)})` }, view.dots);
      if (data.z) EM.draw.say(data.names[data.z[i]][0], { y: 4, "text-anchor": "middle" }, g);
      return svg("path", {}, g);
    }

    function labeledGroup(group, j) {
      svg("circle", { r: 1, style: `transform:${EM.draw.ellipse(group, view)}` }, view.truth);
      const top = view.Y(group.mu[1] + 2.6 * Math.sqrt(group.Sigma[2]));
      EM.draw.say(data.names[j], { x: view.X(group.mu[0]), y: Math.max(top, view.box.top + 12),
        class: "em-name" }, view.truth);
    }

    function group(j) {
      const color = COLORS[j];
      const parts = {
        trail: svg("polyline", { stroke: color }, view.trails),
        ellipse: svg("circle", { r: 1, stroke: color, fill: color,
          "stroke-dasharray": DASHES[j] }, view.shapes),
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
      const state = now(), w = state && EM.eStep(data.x, painted());
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
        let top = 0;
        for (let j = 1; w && j < s.k; j++) if (w[j][i] > w[top][i]) top = j;
        count[top]++;
        const shape = w ? MARKS[top] : DOT;
        const fill = w ? EM.draw.mixed(w, i) : "";
        // An M-step repaints nothing: 500 points need not be styled anew.
        if (mark.shape !== shape) mark.setAttribute("d", (mark.shape = shape));
        if (mark.fill !== fill) mark.parentElement.style.fill = mark.fill = fill;
      });
      view.dots.classList.toggle("em-lettered", Boolean(s.labels && data.z));
      view.dots.setAttribute("aria-label", `${data.x.length} points, ` + (w
        ? count.map((n, j) => `${n} most probably in group ${j}`).join(", ") : "unpainted"));
    }

    function paintGroup({ trail, ellipse, mean, handle }, j, state) {
      const p = s.means[j];
      place(handle, p);
      set(handle, { "aria-valuenow": +p[0].toPrecision(4), "aria-valuemin": +view.u[0].toPrecision(4),
        "aria-valuemax": +view.u[1].toPrecision(4), "aria-valuetext": where(p),
        "aria-label": `Start mean of group ${j}, moved by arrow keys` });
      if (!state) return;
      ellipse.style.transform = EM.draw.ellipse(state.theta[j], view);
      place(mean, state.theta[j].mu, 1.7);
      const path = run.history.slice(0, s.at + 1).filter((h) => h.step !== "E");
      trail.setAttribute("points", path.map((h) => view.px(h.theta[j].mu).join()).join(" "));
    }

    function paintCurve(state) {
      curve.replaceChildren();
      curve.style.display = state ? "" : "none";
      if (!state) return;
      EM.draw.curve(curve, curve.parentElement.clientWidth, run, s.at, s.bound, s.fit ? level : null);
      curve.setAttribute("aria-label", `Log-likelihood over ${run.n} iterations: it rises from ` +
        `${fixed(run.history[0].logLikelihood)} to ${fixed(last().logLikelihood)} nats.` +
        (s.bound ? " The bound F climbs below it and touches it after each E-step." : ""));
    }

    const where = (p) => p.map((v, f) => `${short(v)} ${data.units[f]}`.trim()).join(", ");

    /* Bayes' rule at one example: the two factors of each group, and w. */
    function paintPoint(w) {
      const i = order[s.point], p = data.x[i];
      view.ring.style.display = p ? "" : "none";
      $(".em-bayes").hidden = !w;
      control("point").setAttribute("aria-valuetext", p ? where(p) : "no points");
      if (!p) return;
      place(view.ring, p);
      $(".em-bayes caption").textContent = `Bayes\u2019 rule at the point (${where(p)})` +
        (data.z && s.labels ? `, label ${data.names[data.z[i]]}` : "");
      if (!w) return;
      const logs = EM.logJoint([p], painted()).map((a) => a[0]);
      const total = EM.posterior(logs.map((a) => [a])).logLikelihood;
      const cells = (...texts) => texts.map((text) => `<td>${text}</td>`).join("");
      const e = EM.draw.exponential;
      $(".em-bayes tbody").innerHTML = painted().map(({ phi }, j) =>
        `<tr><th scope="row">${key(j)} ${j}</th>` + cells(fixed(phi, 3),
          e(logs[j] - Math.log(phi)), e(logs[j]), fixed(w[j][i], 3)) + "</tr>").join("") +
        `<tr><th scope="row">sum</th>${cells("1", "", e(total), "1")}</tr>`;
      control("point").setAttribute("aria-valuetext", `${where(p)}: w is ` +
        w.map((column, j) => `${fixed(column[i], 3)} for group ${j}`).join(", "));
    }

    function paintControls(state) {
      for (const name of ["set", "k", "size"]) control(name).value = s[name];
      for (const name of FLAGS) control(name).checked = s[name];
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
      $(".em-note").textContent = data.note + (s.labels && data.z ? letters() : "");
      $(".em-groups").innerHTML = state ? state.theta.map(listed).join("") : "";
      $(".em-link").href = EM.state.toFragment(words());
    }

    const listed = ({ phi, mu }, j) =>
      `<li>${key(j)} group ${j}: \u03d5 ${fixed(phi)}, mean (${where(mu)})</li>`;

    // Words

    const moment = (state) => state.step === "start" ? "Start"
      : `Iteration ${EM.draw.iteration(s.at)}, after the ${state.step}-step`;

    const letters = () => " The letters are the labels: " +
      data.names.map((name) => name.length > 1 ? `${name[0]} for ${name}` : name).join(", ") + ".";

    function sentence(state, w) {
      if (!state) return "EM needs at least three points that are not on one line. Add some.";
      const said = [`${moment(state)}: log-likelihood ${fixed(state.logLikelihood)} nats.`];
      if (state.step === "start") said.push("The E-step will paint the points.");
      if (s.bound && state.step === "E") said.push("F touches it.");
      const gap = fixed(state.logLikelihood - state.F);
      if (s.bound && state.step === "M") said.push(`F is ${gap} nats lower.`);
      if (s.fit && labeled) said.push(`The labeled fit has ${fixed(level)}.`);
      if (state === last()) said.push(ending());
      if (state === last() && run.end === "rest") said.push(numbering(w));
      return said.filter(Boolean).join(" ");
    }

    function ending() {
      if (run.end === "collapsed") {
        const N = Math.round(run.N), left = N ? `about ${N} of the points` : "no point";
        return `Group ${run.group} collapses: the next M-step would leave it ${left}, ` +
          `${N > 2 ? "too much in line" : "too few"} for an ellipse to keep a width. The narrower ` +
          "the ellipse, the higher the log-likelihood, without limit: EM stops here. " +
          "Move the start mean or choose a larger start size.";
      }
      if (run.end === "limit") return `Not at rest after ${run.n} iterations.`;
      const twins = alike(last().theta);
      if (twins) {
        return `EM rests here: groups ${twins.join(" and ")} are the same, every point has ` +
          "the same w for both, and no step can part them. Move one of their start means.";
      }
      const gap = best() - last().logLikelihood;
      return "EM rests here. " + (gap < 0.01 ? "No start so far has led higher."
        : `You have seen a higher rest: ${fixed(gap)} nats above this one.`);
    }

    /* The highest rest that was shown of these data, with the one that is shown now. */
    function best() {
      const name = `${s.set} ${s.k}`;
      highest.set(name, Math.max(highest.get(name) ?? -Infinity, last().logLikelihood));
      return highest.get(name);
    }

    function numbering(w) {
      const found = s.labels && data.z && s.k === data.names.length && labelOfGroups(w, data.z, s.k);
      if (!found) return "";
      const swapped = found.some((label, j) => label !== j);
      return (swapped ? "The numbers are swapped: group " : "Group ") +
        found.map((label, j) => `${j} is ${data.names[label]}`).join(", group ") + ".";
    }

    // What the reader does

    function go(at, glide = false) {
      host.classList.toggle("em-glide", glide);
      s.at = run ? clamp(at, 0, run.history.length - 1) : 0;
      paint();
    }

    function stop() {
      cancelAnimationFrame(frame); // a drag that goes on may mean a group that has gone
      clearInterval(timer);
      timer = null;
    }

    function play() {
      if (timer) { stop(); return paint(); }
      if (run && now() === last()) go(0);
      timer = setInterval(() => {
        if (!run || s.at + 1 >= run.history.length - 1) stop();
        go(s.at + 1, true);
      }, calm.matches ? 1000 : 400);
      paint();
    }

    function moveMean(j, p, limit) {
      stop();
      s.means[j] = EM.state.brief(p);
      host.classList.remove("em-glide");
      rerun(limit);
      paint();
    }

    function movable(handle, j) {
      let grip; // where the pointer has taken the handle, from its center
      const here = (event) => {
        const [u, v] = view.back(event.clientX - grip[0], event.clientY - grip[1]);
        return [clamp(u, ...view.u), clamp(v, ...view.v)];
      };
      handle.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        const [x, y] = view.px(s.means[j]);
        grip = [event.clientX - x, event.clientY - y];
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
        frame = requestAnimationFrame(() => moveMean(j, here(event), 40));
      });
      handle.addEventListener("pointerup", (event) => {
        if (handle.hasPointerCapture(event.pointerId)) moveMean(j, here(event));
      });
      handle.addEventListener("pointercancel", () => moveMean(j, s.means[j]));
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
      if (s.set !== "own" || s.own.length >= MOST) return;
      s.own.push(EM.state.inSquare(p));
      changed();
    }

    function changed() {
      s.point = Math.max(0, s.own.length - 1);
      reset();
    }

    /* The example nearest to the pointer, if it is near enough to be meant. */
    function choose(event) {
      const { left, top } = plot.getBoundingClientRect();
      let near = 20, found = -1;
      order.forEach((i, rank) => {
        const [x, y] = view.px(data.x[i]);
        const far = Math.hypot(x + left - event.clientX, y + top - event.clientY);
        if (far < near) [near, found] = [far, rank];
      });
      if (found < 0 || found === s.point) return;
      s.point = found;
      paintControls(now());
      paintPoint(run && EM.eStep(data.x, painted()));
    }

    plot.addEventListener("pointermove", (event) => { if (!event.buttons) choose(event); });
    plot.addEventListener("click", (event) => {
      if (event.target.closest(".em-handle")) return;
      const { left, top } = plot.getBoundingClientRect();
      addPoint(view.back(event.clientX - left, event.clientY - top));
      choose(event);
    });
    const on = (name, type, act) => control(name).addEventListener(type, (event) => act(event.target));
    const reload = (changes) => {
      const now = { ...words(), set: s.set, points: s.own.map((p) => p.join()).join("_"), means: "" };
      run = null;
      load({ ...now, ...changes });
    };
    on("set", "change", ({ value }) => reload({ set: value, at: 0, point: undefined }));
    on("k", "change", ({ value }) => reload({ k: value }));
    on("size", "change", ({ value }) => { s.size = Number(value); stop(); rerun(); paint(); });
    on("random", "click", () => {
      const left = [...data.x];
      const draw = () => left.splice(Math.floor(Math.random() * left.length), 1)[0];
      if (left.length >= s.k) s.means = range(s.k).map(() => EM.state.brief(draw()));
      stop();
      rerun();
      paint();
    });
    for (const name of FLAGS) on(name, "change", ({ checked }) => { s[name] = checked; paint(); });
    on("first", "click", () => { stop(); go(0); });
    on("back", "click", () => { stop(); go(s.at - 1, true); });
    on("next", "click", () => { stop(); go(s.at + 1, true); });
    on("last", "click", () => { stop(); go(Infinity); });
    on("play", "click", play);
    on("at", "input", ({ value }) => { stop(); go(Number(value)); });
    on("point", "input", ({ value }) => { s.point = Number(value); paint(); });
    on("add", "click", () => {
      const fields = [control("u"), control("v")];
      if (fields.every((f) => f.reportValidity())) addPoint(fields.map((f) => f.valueAsNumber));
    });
    on("undo", "click", () => { s.own.pop(); changed(); });
    on("clear", "click", () => { s.own.length = 0; changed(); });
    if (defaults.first) window.addEventListener("hashchange", restore);

    function restore() {
      const found = EM.state.fromFragment(location.hash);
      if (found) { run = null; load(found); }
      return Boolean(found);
    }
    const shared = defaults.first && restore();
    if (!shared) load(defaults.words);
    new ResizeObserver(() => {
      const width = plot.parentElement.clientWidth; // 0 on paper, where nothing shows
      if (width && width !== view.width) build();
    }).observe(plot.parentElement);
    host.dataset.ready = "true";
    if (shared) host.scrollIntoView();
  }

  const mountAll = () => document.querySelectorAll(".em-explorer").forEach((host, i) =>
    mount(host, { words: { ...host.dataset }, first: i === 0 }));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountAll);
  else mountAll();
})();
