// The leaderboard: sort, filter, groups, marks against a baseline; every number explained on hover, tap or Enter.
(function () {
  "use strict";
  const { el, id, card } = beir;
  const FIXED = 3; // System, Average, Rank stand before the datasets
  const state = { group: 0, baseline: null, sort: "average", down: true };

  function start(board) {
    const table = id("board"), body = table.tBodies[0], rows = Array.from(body.rows);
    const tested = board.tags.length - board.meansOnly;
    const first = table.querySelector("th[aria-sort] button").dataset.sort; // as the page came
    state.sort = first === "average" ? first : Number(first);
    const systemOf = function (row) { return Number(row.dataset.at); };

    function value(system) {
      if (state.sort === "average") return board.groups[state.group].average[system];
      return state.sort === "tag" ? board.tags[system] : board.columns[state.sort].mean[system];
    }

    function sort() {
      const sign = state.down ? -1 : 1;
      const sorted = rows.slice().sort(function (a, b) {
        const x = value(systemOf(a)), y = value(systemOf(b));
        if (x === null || y === null) return (x === null) - (y === null); // what has no value stays last
        const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
        return sign * order || systemOf(a) - systemOf(b);
      });
      body.append(...sorted);
      for (const head of table.tHead.rows[0].cells) {
        const button = head.querySelector("button");
        if (button && button.dataset.sort === String(state.sort)) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      }
      const column = typeof state.sort === "number" ? board.columns[state.sort] : null;
      id("rank-head").textContent = column ? "Rank in " + column.name : "Rank";
      for (const row of rows) {
        const rank = (column || board.groups[state.group]).rank[systemOf(row)];
        row.cells[2].textContent = systemOf(row) < tested ? beir.rank(rank) : "–";
      }
    }

    function regroup() {
      const group = board.groups[state.group];
      for (const row of [table.tHead.rows[0], ...rows]) {
        board.columns.forEach(function (_, at) { row.cells[FIXED + at].hidden = !group.columns.includes(at); });
      }
      for (const row of rows) row.cells[1].textContent = beir.score(group.average[systemOf(row)]);
      if (typeof state.sort === "number" && !group.columns.includes(state.sort)) state.sort = "average";
      sort();
    }

    function filter() {
      const wanted = id("filter").value.toLowerCase().split(",").map(function (part) { return part.split(/\s+/).filter(Boolean); });
      const asked = wanted.filter(function (words) { return words.length; });
      let shown = 0;
      for (const row of rows) {
        const tag = board.tags[systemOf(row)].toLowerCase();
        row.hidden = asked.length > 0 && !asked.some(function (words) { return words.every(function (word) { return tag.includes(word); }); });
        shown += !row.hidden;
      }
      id("count").textContent = shown === rows.length ? shown + (shown === 1 ? " system" : " systems") : shown + " of " + rows.length + " systems";
    }

    function mark() {
      const chosen = state.baseline !== null;
      table.classList.toggle("against", chosen); // a view has the marks of one family
      document.querySelectorAll(".marks").forEach(function (one) { one.hidden = !chosen; });
      document.querySelectorAll(".of-all").forEach(function (one) { one.hidden = chosen; });
      id("baseline-name").textContent = chosen ? board.tags[state.baseline] : "";
      id("baseline-family").textContent = chosen ? beir.counted(board.families[state.baseline], "comparison") : "";
      for (const row of rows) {
        board.columns.forEach(function (column, at) {
          const cell = row.cells[FIXED + at];
          cell.querySelectorAll("b").forEach(function (old) { old.remove(); });
          const found = chosen ? beir.pair(column, systemOf(row), state.baseline, board.alpha, true) : null;
          if (chosen ? found && found.equal : column.equal[systemOf(row)]) sign(cell, "same", "≈", "equal within " + board.margin);
          if (!found || !found.sure) return;
          if (found.difference > 0) sign(cell, "better", "▲", "significantly better");
          else sign(cell, "worse", "▼", "significantly worse");
        });
      }
    }

    function sign(cell, kind, text, words) { cell.prepend(el("b", { class: kind, role: "img", "aria-label": words }, text)); }

    function explain(cell, pinned) {
      const system = systemOf(cell.parentElement), at = cell.cellIndex - FIXED, group = board.groups[state.group];
      const by = typeof state.sort === "number" ? state.sort : -1; // the rank belongs to the column sorted by
      const column = at >= 0 ? at : cell.cellIndex === 2 ? by : -1;
      if (column >= 0 && board.columns[column].mean[system] === null) return card.hide(false);
      const made = column >= 0 ? card.column(board, system, column, state.baseline) : card.average(board, system, group, state.baseline);
      card.show(cell, [...made.parts, card.acts(board, system, made)], pinned);
    }

    const cellOf = function (event) { return event.target.closest("#board tbody td"); };
    body.addEventListener("pointerover", function (event) {
      const cell = cellOf(event);
      if (cell && event.pointerType === "mouse" && !card.isPinned()) explain(cell, false);
    });
    body.addEventListener("pointerleave", function (event) { if (event.pointerType === "mouse" && !card.isPinned()) card.hide(false); });
    body.addEventListener("click", function (event) { const cell = cellOf(event); if (cell) { rove(cell); explain(cell, true); } });
    document.addEventListener("click", function (event) {
      if (card.isPinned() && !event.target.closest("#card, #board tbody td")) card.hide(false);
    });
    document.addEventListener("keydown", function (event) { if (event.key === "Escape" && card.isOpen()) card.hide(true); });

    // One stop of the Tab key for all the numbers; the arrow keys move between them.
    let current = null;
    function rove(cell) {
      if (current) current.tabIndex = -1;
      current = cell;
      cell.tabIndex = 0;
    }
    rove(rows[0].cells[1]);
    body.addEventListener("keydown", function (event) {
      const cell = cellOf(event);
      if (!cell) return;
      const shown = Array.from(body.rows).filter(function (row) { return !row.hidden; });
      const cells = Array.from(cell.parentElement.cells).filter(function (one) { return one.tagName === "TD" && !one.hidden; });
      const row = shown.indexOf(cell.parentElement), place = cells.indexOf(cell);
      const to = {
        ArrowRight: function () { return cells[place + 1]; }, ArrowLeft: function () { return cells[place - 1]; },
        Home: function () { return cells[0]; }, End: function () { return cells[cells.length - 1]; },
        ArrowDown: function () { return shown[row + 1] && shown[row + 1].cells[cell.cellIndex]; },
        ArrowUp: function () { return shown[row - 1] && shown[row - 1].cells[cell.cellIndex]; },
      }[event.key];
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); explain(cell, true); }
      if (!to) return;
      event.preventDefault();
      const next = to();
      if (next) { rove(next); next.focus(); }
    });

    table.tHead.addEventListener("click", function (event) {
      const button = event.target.closest("button[data-sort]");
      if (!button) return;
      const wanted = /^\d+$/.test(button.dataset.sort) ? Number(button.dataset.sort) : button.dataset.sort;
      state.down = wanted === state.sort ? !state.down : wanted !== "tag";
      state.sort = wanted;
      sort();
      beir.view.save(true);
    });
    id("controls").addEventListener("submit", function (event) { event.preventDefault(); });
    id("filter").addEventListener("input", filter);
    id("group").addEventListener("change", function (event) { state.group = Number(event.target.value); card.hide(false); regroup(); });
    id("baseline").addEventListener("change", function (event) {
      state.baseline = event.target.value === "" ? null : Number(event.target.value);
      mark();
    });
    // A browser that goes back restores what was chosen, without an event.
    state.group = Number(id("group").value);
    state.baseline = id("baseline").value === "" ? null : Number(id("baseline").value);
    regroup(); filter(); mark();

    // In the address: the column by its name, and the order where it is not the column's own.
    const came = state.sort;
    const nameOf = function (sorted) { return sorted === "tag" ? "System" : sorted === "average" ? "Average" : board.columns[sorted].name; };
    beir.view.join("sort", function () { return state.sort === came ? "" : nameOf(state.sort); }, function (name) {
      const known = ["tag", "average", ...board.columns.keys()].filter(function (one) { return nameOf(one) === name; });
      state.sort = known.length ? known[0] : came;
      state.down = state.sort !== "tag";
    });
    beir.view.join("order", function () { return state.down === (state.sort !== "tag") ? "" : state.down ? "down" : "up"; }, function (order) {
      if (order === "up" || order === "down") state.down = order === "down";
      regroup();
    });
  }

  beir.get("board").then(start);
})();
