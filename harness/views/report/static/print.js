// Paper does not scroll: a table wider than a page is printed in parts, each with the columns that name its rows.
(function () {
  "use strict";
  const { el } = beir;
  const MOST = 8; // columns of a part beside the fixed ones

  // The shown columns beside the fixed ones, in parts of equal size.
  function parts(table, fixed) {
    const cells = Array.from(table.tHead.rows[0].cells);
    const shown = cells.map(function (_, at) { return at; }).filter(function (at) { return at >= fixed && !cells[at].hidden; });
    const count = Math.ceil(shown.length / MOST), size = Math.ceil(shown.length / count);
    return Array.from({ length: count }, function (_, at) { return shown.slice(at * size, (at + 1) * size); });
  }

  function part(table, fixed, columns) {
    const copy = el("table", { class: "part" });
    for (const section of [table.tHead, table.tBodies[0]]) {
      const into = el(section === table.tHead ? "thead" : "tbody", {});
      for (const row of section.rows) {
        if (row.hidden) continue;
        const cells = Array.from(row.cells).filter(function (cell) { return cell.cellIndex < fixed || columns.includes(cell.cellIndex); });
        into.append(el("tr", { class: row.className }, cells.map(function (cell) { const same = cell.cloneNode(true); same.removeAttribute("tabindex"); same.querySelectorAll("[id]").forEach(function (one) { one.removeAttribute("id"); }); return same; })));
      }
      copy.append(into);
    }
    return copy;
  }

  function split() {
    join();
    for (const table of document.querySelectorAll("table[data-fixed]")) {
      const fixed = Number(table.dataset.fixed), found = parts(table, fixed);
      if (found.length < 2) continue;
      const place = table.closest(".scroll");
      place.classList.add("in-parts");
      place.after(el("div", { class: "parts" }, found.map(function (columns) { return part(table, fixed, columns); })));
    }
  }

  function join() {
    document.querySelectorAll("div.parts").forEach(function (one) { one.remove(); });
    document.querySelectorAll(".in-parts").forEach(function (one) { one.classList.remove("in-parts"); });
  }

  addEventListener("beforeprint", split);
  addEventListener("afterprint", join);
})();
