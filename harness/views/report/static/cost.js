// Quality against cost on a logarithmic axis, with the Pareto front.
(function () {
  "use strict";
  const { el, svg, id } = beir;
  const SIZES = { bytes: [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]], s: [[3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"]], ms: [[1e3, "s"], [1, "ms"], [1e-3, "µs"]] };

  function amount(value, unit) {
    const [size, name] = SIZES[unit].find(function ([from]) { return value >= from * 0.9995; }) || SIZES[unit].at(-1);
    return Number((value / size).toPrecision(3)) + " " + name;
  }

  function overlaps(a, b) { return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h; }

  function plot(place, board, points, axis, name) {
    const width = Math.min(Math.max(place, 320), 1000), height = Math.min(430, Math.round(0.5 * width) + 130);
    const left = 64, bottom = height - 52, right = width - 20, top = 16;
    const costs = points.map(function (p) { return p[2]; }), scores = points.map(function (p) { return p[1]; });
    const low = Math.min(...costs) / 1.25, high = Math.max(...costs) * 1.6, span = Math.max(...scores) - Math.min(...scores) || 0.02;
    const ticks = beir.ticks(Math.min(...scores) - span * 0.12, Math.max(...scores) + span * 0.12, 6);
    const logs = beir.scale(Math.log(low), Math.log(high), left, right), x = function (v) { return logs(Math.log(v)); };
    const y = beir.scale(Math.min(...scores) - span * 0.14, Math.max(...scores) + span * 0.14, bottom, top);
    const parts = [], words = function (tick) { return amount(tick, axis.unit); };
    for (const tick of ticks.values) parts.push(beir.line(left, y(tick), right, y(tick), "grid"), beir.text(left - 8, y(tick) + 4, tick.toFixed(Math.max(2, ticks.digits)), "end", "soft"));
    for (const tick of beir.apart(beir.logTicks(low, high), x, words)) parts.push(beir.line(x(tick), top, x(tick), bottom, "grid"), beir.text(x(tick), bottom + 17, words(tick), "middle", "soft"));
    parts.push(beir.line(left, bottom, right, bottom, "axis"), beir.text((left + right) / 2, height - 8, axis.label, "middle"), beir.text(left - 50, top - 3, board.display, "start"));
    const front = points.filter(function (p) { return p[3]; });
    parts.push(svg("polyline", { class: "front", points: front.map(function (p, at) { return (at ? x(p[2]) + "," + y(front[at - 1][1]) + " " : "") + x(p[2]) + "," + y(p[1]); }).join(" ") }));
    const taken = points.map(function (p) { return { x: x(p[2]) - 6, y: y(p[1]) - 6, w: 12, h: 12 }; });
    front.slice(1).forEach(function (p, at) { // names keep off the front, which goes right, then up
      const before = front[at], low = y(before[1]), high = y(p[1]);
      taken.push({ x: x(before[2]), y: low - 1, w: x(p[2]) - x(before[2]), h: 2 }, { x: x(p[2]) - 1, y: high, w: 2, h: low - high });
    });
    for (const point of points.slice().sort(function (a, b) { return b[3] - a[3] || b[1] - a[1]; })) {
      const px = x(point[2]), py = y(point[1]), tag = board.tags[point[0]], w = beir.wide(tag);
      parts.push(svg("g", {}, beir.tip(tag + ": " + beir.score(point[1]) + ", " + amount(point[2], axis.unit)), svg("circle", { cx: px, cy: py, r: 5, class: point[3] ? "up" : "flat open" })));
      // Names of the front first; a name that would lie on another is left to the tip and the table.
      const places = [[8, 17, "start"], [-8, -8, "end"], [9, 4, "start"], [-9, 4, "end"], [0, -10, "middle"], [8, -8, "start"], [0, 20, "middle"], [-8, 17, "end"]];
      const free = places.map(function ([dx, dy, anchor]) {
        const from = anchor === "start" ? px + dx : anchor === "end" ? px + dx - w : px - w / 2;
        return { dx, dy, anchor, x: from, y: py + dy - 11, w, h: 14 };
      }).find(function (box) { return box.x > left && box.x + box.w < right + 15 && !taken.some(function (other) { return overlaps(box, other); }); });
      if (free) { taken.push(free); parts.push(beir.text(px + free.dx, py + free.dy, tag, free.anchor, point[3] ? "" : "soft")); }
    }
    const label = board.display + " against " + axis.label.toLowerCase() + " on " + name + "; on the Pareto front: " + front.map(function (p) { return board.tags[p[0]]; }).join(", ");
    return beir.picture(place, width, height, label, parts);
  }

  function start(board) {
    const tested = board.tags.length - board.meansOnly;
    beir.redraw(["cost-axis", "cost-where"], "cost-chart", function (place) {
      const axis = Number(id("cost-axis").value), scope = board.costs[Number(id("cost-where").value)], points = scope.axes[axis];
      const missing = tested - points.length;
      const how = "A dot a system: " + board.display + " on " + scope.name + " over " + beir.counted(scope.queries, "query", "queries") + "; filled: on the front. No test is made here: dots of like height may differ by chance.";
      const note = el("p", { class: "how" }, how + (missing ? " " + missing + " of " + tested + " systems say nothing about this cost here." : ""));
      if (!points.length) return id("cost-chart").replaceChildren(note);
      id("cost-chart").replaceChildren(...[note, plot(place, board, points, board.axes[axis], scope.name), beir.numbers("quality and cost", ["System", board.display, board.axes[axis].label, "Pareto front"], points.map(function (p) {
        return [board.tags[p[0]], beir.score(p[1]), amount(p[2], board.axes[axis].unit), p[3] ? "yes" : ""];
      }))]);
    });
  }

  if (id("cost-chart")) beir.get("board").then(start);
})();
