// What the charts share: scales, ticks, and the table of numbers below each chart.
(function () {
  "use strict";
  const { el, svg } = beir;

  // Round numbers from low to high, about `count` of them.
  beir.ticks = function (low, high, count) {
    const raw = (high - low) / count || 1, power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 5, 10].map(function (m) { return m * power; }).find(function (s) { return s >= raw * 0.999; });
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) found.push(at * step);
    return { values: found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  };

  // Powers of ten between low and high, or finer steps where those are too few.
  beir.logTicks = function (low, high) {
    for (const steps of [[1], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]]) {
      const found = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
        for (const step of steps) if (step * Math.pow(10, power) >= low && step * Math.pow(10, power) <= high) found.push(step * Math.pow(10, power));
      }
      if (found.length > 3 || steps.length > 3) return found;
    }
  };

  beir.scale = function (low, high, from, to) {
    const span = high - low || 1;
    return function (value) { return from + ((value - low) / span) * (to - from); };
  };

  beir.line = function (x1, y1, x2, y2, kind) { return svg("line", { x1, y1, x2, y2, class: kind }); };
  beir.text = function (x, y, words, anchor, kind) { return svg("text", { x, y, "text-anchor": anchor || "start", class: kind }, words); };
  beir.tip = function (words) { return svg("title", {}, words); };

  // A drawing keeps its size, so that its text can be read; one that is wider than its place scrolls, also by keyboard.
  beir.picture = function (place, width, height, label, parts) {
    const image = svg("svg", { viewBox: "0 0 " + width + " " + height, width, height, role: "img", "aria-label": label }, ...parts);
    const scrolls = width > place ? { tabindex: "0", role: "region", "aria-label": "Scrolls sideways: " + label } : {};
    return el("div", Object.assign({ class: "drawing" }, scrolls), image);
  };

  // Those of the ticks, from left to right, whose words do not run into the words before.
  beir.apart = function (ticks, x, words) {
    let end = -Infinity;
    return ticks.filter(function (tick) {
      const half = beir.wide(words(tick)) / 2, fits = x(tick) - half > end + 8;
      if (fits) end = x(tick) + half;
      return fits;
    });
  };

  // The chart's numbers, for those who can't see it and those who want to copy them.
  beir.numbers = function (title, heads, rows) {
    const head = el("tr", {}, heads.map(function (name, at) { return el("th", { scope: "col", class: at ? "number" : "" }, name); }));
    const lines = rows.map(function (row) {
      return el("tr", {}, row.map(function (cell, at) { return at ? el("td", {}, String(cell)) : el("th", { scope: "row" }, String(cell)); }));
    });
    return el("details", {}, el("summary", {}, "The numbers as a table"),
      el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Numbers: " + title },
        el("table", {}, el("thead", {}, head), el("tbody", {}, lines))));
  };

  // Widths in the font of the charts; the margin is for a font that comes late.
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "12px system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
  beir.wide = function (label) { return 1.03 * pen.measureText(label).width; };
  beir.room = function (labels) { return 16 + Math.max(24, ...labels.map(beir.wide)); };

  // Draws into a place of the page, now and whenever one of the choices or the room changes; paper is 700 pixels wide.
  beir.redraw = function (names, name, draw) {
    const place = beir.id(name);
    let room = 0, paper = false;
    function again() {
      const open = place.querySelector("details[open]");
      room = paper ? 700 : place.clientWidth;
      draw(room);
      if (open && place.querySelector("details")) place.querySelector("details").open = true;
    }
    for (const one of names) beir.id(one).addEventListener("change", again);
    beir.id(names[0]).form.addEventListener("submit", function (event) { event.preventDefault(); });
    addEventListener("beforeprint", function () { paper = true; again(); });
    addEventListener("afterprint", function () { paper = false; again(); });
    new ResizeObserver(function () { if (!paper && place.clientWidth !== room) again(); }).observe(place);
    again();
  };
})();
