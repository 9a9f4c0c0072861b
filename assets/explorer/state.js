/* The state of an explorer, and the words that carry it: attributes of its <div> and
   the fragment of the page's address. */
(function (root) {
  "use strict";
  const { EM, EM_DATA: SETS } = root;
  const SIZES = { 1: "as the data", 0.5: "half", 0.25: "a quarter", 0.1: "a tenth" };
  const FLAGS = ["labels", "fit", "bound"];
  const SIDE = 10; // points drawn by hand lie in a square of this side
  const MOST = 500;
  const OWN = {
    menu: "Draw your own",
    note: "Click or tap in the figure to add points.",
    axes: ["first feature (no unit)", "second feature (no unit)"],
    units: ["", ""],
    names: [],
    z: null,
  };

  const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));
  const COUNT = /^\d{1,9}$/;
  const count = (text, otherwise) => COUNT.test(text) ? Number(text) : otherwise;
  const NUMBER = /^-?\d{1,20}(\.\d{1,20})?(e[-+]?\d{1,2})?$/;

  /* "1,2_3,4" or "1,2 3,4" as pairs of numbers; none when one of them makes no sense. */
  function pairs(text) {
    const found = (text || "").split(/[ _]/).map((pair) => pair.split(","));
    const sound = (pair) => pair.length === 2 && pair.every((v) => NUMBER.test(v));
    return found.every(sound) ? found.map((pair) => pair.map(Number)) : [];
  }

  const inSquare = (p) => p.map((v) => clamp(Math.round(v * 100) / 100, 0, SIDE));

  /* A start mean needs no more digits, and a link with less is shorter. */
  const brief = (p) => p.map((v) => +v.toPrecision(6));

  /* What the figure shows of each feature: the square, or the examples and a margin. */
  function bounds(set) {
    return [0, 1].map((f) => {
      if (set === "own") return [0, SIDE];
      const values = SETS[set].x.map((p) => p[f]);
      const lo = Math.min(...values), hi = Math.max(...values), pad = 0.07 * (hi - lo);
      return [lo - pad, hi + pad];
    });
  }

  /* Start means: examples at equal ranks of the first feature. */
  function spreadOut(x, k) {
    const sorted = [...x].sort((a, b) => a[0] - b[0]);
    return Array.from({ length: k }, (_, j) => {
      const rank = (j + 0.5) / k;
      return sorted.length < 3 ? [SIDE * rank, SIDE * rank]
        : brief(sorted[Math.floor(rank * sorted.length)]);
    });
  }

  /* A full state, whoever wrote the words: what makes no sense gets its default. */
  function fromWords(words) {
    const own = pairs(words.points).slice(0, MOST).map(inSquare);
    const set = words.set === "own" || Object.hasOwn(SETS, words.set) ? words.set : "anemia";
    const k = /^[1-4]$/.test(words.k) ? Number(words.k) : 2;
    const x = set === "own" ? own : SETS[set].x;
    const means = pairs(words.means), shown = bounds(set);
    const inside = (p) => brief(p.map((v, f) => clamp(v, ...shown[f])));
    const state = {
      set, k, own,
      size: Object.hasOwn(SIZES, words.size) ? Number(words.size) : 1,
      means: means.length === k ? means.map(inside) : spreadOut(x, k),
      at: words.at === "end" ? Infinity : count(words.at, 0),
      point: clamp(count(words.point, x.length >> 1), 0, Math.max(0, x.length - 1)),
    };
    // An attribute without a value is an empty word.
    for (const flag of FLAGS) state[flag] = ["", "1"].includes(words[flag]);
    return state;
  }

  /* The words of a state whose run has this many half steps. */
  function toWords(s, last) {
    const list = (points) => points.map((p) => p.join()).join("_");
    const words = { explorer: s.set, k: s.k, means: list(s.means), size: s.size,
      at: last && s.at >= last ? "end" : s.at, point: s.point };
    for (const flag of FLAGS) words[flag] = s[flag] ? "1" : "0";
    if (s.set === "own") words.points = list(s.own);
    return words;
  }

  const toFragment = (words) =>
    "#" + Object.entries(words).map(([key, value]) => `${key}=${value}`).join("&");

  /* The words of a fragment, or null when it is another anchor of the page. */
  function fromFragment(hash) {
    const words = Object.fromEntries(new URLSearchParams(hash.slice(1)));
    return words.explorer ? { ...words, set: words.explorer } : null;
  }

  const dataOf = (s) => s.set === "own" ? { ...OWN, x: s.own } : SETS[s.set];

  EM.state = { SIZES, FLAGS, MOST, OWN, clamp, inSquare, brief, bounds, dataOf,
    fromWords, toWords, toFragment, fromFragment };
})(window);
