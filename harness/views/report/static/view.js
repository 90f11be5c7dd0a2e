// What is shown is in the address, after the sign #: a link opens the same view, and back goes to the view before.
// Values are names of systems, datasets and columns. They come from whoever wrote the link, so one that the page does
// not offer is passed over, and none is ever a selector or markup.
(function () {
  "use strict";
  const LONGEST = 300; // characters of a typed value
  const bound = new Map(); // key -> { read, write }, see bind
  let quiet = false;

  // A select offers its options by their data-name, else by their words.
  function nameOf(option) { return option.dataset.name === undefined ? option.textContent.trim() : option.dataset.name; }

  function ofSelect(node) {
    const came = Array.from(node.options).find(function (one) { return one.defaultSelected; }) || node.options[0];
    const first = came.value; // as the page came, whatever the browser has filled in since
    return {
      read: function () { const chosen = node.selectedOptions[0]; return !chosen || chosen.value === first ? "" : nameOf(chosen); },
      write: function (name) {
        const found = Array.from(node.options).find(function (one) { return nameOf(one) === name; });
        const value = name !== "" && found ? found.value : first;
        if (node.value === value) return;
        node.value = value;
        node.dispatchEvent(new Event("change", { bubbles: true }));
      },
    };
  }

  function ofText(node) {
    return {
      read: function () { return node.value; },
      write: function (text) {
        if (node.value === text) return;
        node.value = text.slice(0, LONGEST);
        node.dispatchEvent(new Event("input", { bubbles: true }));
      },
    };
  }

  // The address takes on what is chosen; the measures' links carry it along. Typing makes no step to go back to.
  function save(step) {
    if (quiet) return;
    const wanted = new URLSearchParams();
    for (const [key, one] of bound) if (one.read() !== "") wanted.set(key, one.read());
    const address = wanted.size ? "#" + wanted : location.pathname + location.search;
    if ("#" + wanted !== (location.hash || "#")) history[step ? "pushState" : "replaceState"](null, "", address);
    carry();
  }

  function carry() {
    for (const link of document.querySelectorAll(".top nav a[data-measure]")) link.hash = location.hash;
  }

  function restore() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    quiet = true;
    for (const [key, one] of bound) one.write(wanted.get(key) || "");
    quiet = false;
    carry();
  }

  // Joins controls to keys of the address, `key -> id`; then the page shows what the address says.
  function bind(controls) {
    for (const [key, name] of Object.entries(controls)) {
      const node = beir.id(name);
      if (!node) continue;
      const typed = node.tagName === "INPUT";
      bound.set(key, typed ? ofText(node) : ofSelect(node));
      node.addEventListener(typed ? "input" : "change", function () { save(!typed); });
    }
  }

  // What is no control: `read` gives its text, "" for the view as it came, and `write` takes it.
  function join(key, read, write) { bound.set(key, { read, write }); }

  addEventListener("hashchange", restore);
  beir.view = { bind, join, save, restore };
})();
