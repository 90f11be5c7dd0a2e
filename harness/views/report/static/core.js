// Shared by every page: data that arrives as scripts, elements that hold text and never markup, light and dark.
(function () {
  "use strict";
  const arrived = new Map();
  const waiting = new Map();

  // Called by the data scripts.
  function put(key, value) {
    arrived.set(key, value);
    (waiting.get(key) || []).forEach(function (resolve) { resolve(value); });
    waiting.delete(key);
  }

  // The data of a key; with a file, that script is loaded first. A page from disk may not fetch, but may do this.
  function get(key, file) {
    if (arrived.has(key)) return Promise.resolve(arrived.get(key));
    return new Promise(function (resolve, reject) {
      const known = waiting.has(key);
      waiting.set(key, (waiting.get(key) || []).concat(resolve));
      if (!file || known) return;
      const script = document.createElement("script");
      script.src = file;
      script.onload = function () { if (!arrived.has(key)) reject(new Error(file + " holds other data; make the report again")); };
      script.onerror = function () { waiting.delete(key); reject(new Error(file + " can't be loaded; copy the whole folder of the report")); };
      document.head.append(script);
    });
  }

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node.addEventListener(name, value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) node.append(child);
    return node;
  }

  // An HTML element. Children that are strings become text nodes, so no data can become markup.
  function el(name, attributes, ...children) { return filled(document.createElement(name), attributes, children); }

  // An SVG element.
  function svg(name, attributes, ...children) {
    return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
  }

  const id = function (name) { return document.getElementById(name); };

  function remembered() { try { return localStorage.getItem("beir-harness-theme"); } catch { return null; } }
  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("beir-harness-theme", theme); } catch { /* a private window remembers nothing */ }
  }
  if (remembered()) document.documentElement.dataset.theme = remembered();
  document.addEventListener("DOMContentLoaded", function () {
    const nav = document.querySelector(".top nav"), tab = nav.querySelector("[aria-current]");
    if (tab) nav.scrollLeft = tab.offsetLeft - nav.offsetLeft - (nav.clientWidth - tab.offsetWidth) / 2; // in view on a phone
    id("theme").addEventListener("click", function () {
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
      setTheme(now === "dark" ? "light" : "dark");
    });
  });

  window.beir = { put, get, el, svg, id };
})();
