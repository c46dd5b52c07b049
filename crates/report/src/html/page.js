
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const form = $("controls");
  const list = $("rules");
  if (!form || !list) return;

  // What is listed: findings of rules, or what changed of them.
  const one = list.dataset.one ?? "finding";

  // Rules and their entries, as the page has them.
  const rules = all(".rule", list).map((element) => ({
    element,
    summary: element.querySelector("summary"),
    home: element.parentElement,
    section: element.dataset.section,
    severity: element.dataset.severity,
    change: element.dataset.change,
    order: Number(element.dataset.order),
    chips: all(":scope > summary .chips > *", element),
    head: null,
    entries: all(".entry", element).map((entry) => ({
      element: entry,
      counts: entry.dataset.counts.split(" ").filter(Boolean).map((one) => {
        const [word, count] = one.split(":");
        return [word, Number(count)];
      }),
      counted: !("uncounted" in entry.dataset),
      baseline: entry.dataset.baseline,
      text: null,
      at: null,
    })),
  }));
  const countOf = (entry, words) => entry.counts.reduce((sum, [word, count]) => sum + (words.length === 0 || words.includes(word) ? count : 0), 0);
  const total = rules.reduce((sum, rule) => sum + rule.entries.reduce((part, entry) => part + (entry.counted ? countOf(entry, []) : 0), 0), 0);
  // A rule may stand below several kinds of change.
  const distinct = (of) => new Set(of.map((rule) => rule.element.dataset.rule ?? rule.element.id)).size;
  const people = (number) => number.toLocaleString("en");

  // What is searched: read once, and only when somebody searches.
  const read = () => {
    for (const rule of rules) {
      if (rule.head !== null) continue;
      const about = rule.element.querySelector(".about");
      rule.head = (rule.summary.textContent + " " + (about ? about.textContent : "")).toLowerCase();
      for (const entry of rule.entries) entry.text = entry.element.textContent.toLowerCase();
    }
  };

  // Nodes by their places, from the list of nodes.
  const names = new Map();
  for (const row of all("#node-list [data-node]")) names.set(Number(row.dataset.node), row.textContent);
  const lower = new Map([...names].map(([place, name]) => [place, name.toLowerCase()]));
  const placesOf = (entry) => {
    if (entry.at !== null) return entry.at;
    const at = entry.element.querySelector(".at");
    entry.cut = Boolean(at && "cut" in at.dataset);
    entry.at = !at ? [] : at.textContent.split(",").map((range) => {
      const [first, last] = range.trim().split("\u2013").map((number) => parseInt(number, 10));
      return [first, last === undefined ? first : last];
    }).filter(([first]) => !Number.isNaN(first));
    return entry.at;
  };
  // A set of places, as marks.
  const marked = (holds) => {
    const marks = new Uint8Array(names.size + 1);
    let any = false;
    for (const [place, name] of lower) {
      if (holds(name)) { marks[place] = 1; any = true; }
    }
    return any ? marks : null;
  };
  const isOn = (entry, marks) => {
    const ranges = placesOf(entry);
    if (entry.cut) return true;
    for (const [first, last] of ranges) {
      for (let place = first; place <= last; place += 1) if (marks[place] === 1) return true;
    }
    return false;
  };

  // What is asked for: in the controls, and in the page's address, so that a view can be passed on.
  const none = () => ({ q: "", change: [], verdict: [], severity: [], baseline: [], section: "", node: "", sort: "" });
  const lists = Object.keys(none()).filter((name) => Array.isArray(none()[name]));
  const checked = (name) => all(`input[name=${name}]:checked`, form).map((input) => input.value);
  const value = (id) => ($(id) ? $(id).value.trim() : "");
  const asked = () => ({
    q: value("q"), ...Object.fromEntries(lists.map((name) => [name, checked(name)])),
    section: value("section"), node: value("node"), sort: value("sort"),
  });
  // Everything, in the order that was asked for.
  const everything = () => ({ ...none(), sort: value("sort") });
  const toAddress = (state) => {
    const parts = [];
    for (const [name, value] of Object.entries(state)) {
      if (value.length > 0) parts.push(name + "=" + (Array.isArray(value) ? value.map(encodeURIComponent).join(",") : encodeURIComponent(value)));
    }
    return parts.join("&");
  };
  const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
  const fromAddress = () => {
    const state = none();
    let any = false;
    for (const part of location.hash.slice(1).split("&")) {
      const at = part.indexOf("=");
      const name = part.slice(0, at);
      if (at < 0 || !Object.hasOwn(state, name)) continue;
      any = true;
      const text = part.slice(at + 1);
      state[name] = Array.isArray(state[name]) ? text.split(",").map(decode) : decode(text);
    }
    return any ? state : null;
  };
  const show = (state) => {
    for (const id of ["q", "section", "node", "sort"]) if ($(id)) $(id).value = state[id];
    for (const name of lists) {
      for (const input of all(`input[name=${name}]`, form)) input.checked = state[name].includes(input.value);
    }
  };

  let sorted = "";
  const sort = (by) => {
    if (by === sorted) return;
    sorted = by;
    list.classList.toggle("flat", by === "control");
    for (const kind of all(".kind", list)) kind.setAttribute("role", by === "control" ? "presentation" : "region");
    if (by === "control") {
      for (const rule of [...rules].sort((one, other) => one.order - other.order)) list.append(rule.element);
    } else {
      for (const rule of rules) rule.home.append(rule.element);
    }
  };

  const apply = () => {
    const state = asked();
    // Everything of a report of one node is of that node.
    const title = names.size === 0 ? document.querySelector("h1").textContent.toLowerCase() : "";
    const words = state.q.toLowerCase().split(/\s+/).filter((word) => word !== "" && !(title !== "" && title.includes(word)));
    if (words.length > 0) read();
    // A word may be a part of a node's name as well.
    const nodesOf = words.map((word) => marked((name) => name.includes(word)));
    const wanted = state.node.toLowerCase();
    const places = state.node === "" ? null
      : marked((name) => name === wanted) ?? marked((name) => name.includes(wanted)) ?? new Uint8Array(names.size + 1);
    const active = Object.entries(state).some(([name, value]) => name !== "sort" && value.length > 0);
    // Which findings of an entry are those of a node only the other formats tell.
    const narrowed = names.size > 1 && (places !== null || nodesOf.some((of) => of !== null));
    let shown = 0;
    for (const rule of rules) {
      let any = false;
      const here = (state.section === "" || rule.section === state.section) && (state.severity.length === 0 || state.severity.includes(rule.severity))
        && (state.change.length === 0 || state.change.includes(rule.change));
      for (const entry of rule.entries) {
        const fits = here
          && countOf(entry, state.verdict) > 0
          && (state.baseline.length === 0 || state.baseline.includes(entry.baseline))
          && (places === null || isOn(entry, places))
          && words.every((word, index) => rule.head.includes(word) || entry.text.includes(word) || (nodesOf[index] !== null && isOn(entry, nodesOf[index])));
        entry.element.hidden = !fits;
        if (!fits) continue;
        any = true;
        if (entry.counted) shown += countOf(entry, state.verdict);
      }
      rule.element.hidden = !any;
      for (const chip of rule.chips) {
        const word = chip.classList[1];
        chip.hidden = any && !rule.entries.some((entry) => !entry.element.hidden && entry.counts.some(([one]) => one === word));
        const count = chip.querySelector("b");
        if (count) count.hidden = narrowed;
      }
    }
    sort(state.sort);
    for (const kind of all(".kind", list)) kind.hidden = state.sort !== "control" && !kind.querySelector(".rule:not([hidden])");
    const plural = (number, one) => people(number) + " " + one + (number === 1 ? "" : "s");
    const shownRules = distinct(rules.filter((rule) => !rule.element.hidden)), allRules = distinct(rules);
    $("shown").textContent = !active ? `${plural(total, one)} of ${plural(allRules, "rule")}.`
      : narrowed ? `Shown: ${plural(shownRules, "rule")} of ${people(allRules)}, as found on ${state.node || "the nodes that match"}.`
        : `Shown: ${people(shown)} of ${plural(total, one)}, of ${plural(shownRules, "rule")}.`;
    $("nothing").hidden = shownRules > 0 || rules.length === 0;
    return state;
  };
  const changed = () => {
    const address = toAddress(apply());
    const at = "#" + address;
    if (location.hash !== at) history.replaceState(null, "", address === "" ? location.pathname + location.search : at);
  };
  let waiting = 0;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(changed, 120); };
  const clear = () => {
    show(everything());
    changed();
  };
  const only = (name, text) => {
    const state = everything();
    state[name] = Array.isArray(state[name]) ? [text] : text;
    show(state);
    changed();
    $("findings").scrollIntoView();
  };

  // Controls.
  const sections = new Map();
  for (const head of all("[data-filter^='section=']")) sections.set(head.dataset.filter.slice(8), head.textContent);
  for (const [key, text] of sections) $("section").append(new Option(text, key));
  if ($("node-names")) {
    const options = [...names.values()].map((name) => new Option(name));
    $("node-names").append(...options);
  }
  for (const head of all("th[data-filter], th[data-node]")) {
    if (head.dataset.node && !$("node")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      if (head.dataset.node) { only("node", button.textContent); return; }
      const at = head.dataset.filter.indexOf("=");
      only(head.dataset.filter.slice(0, at), head.dataset.filter.slice(at + 1));
    });
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
  form.addEventListener("input", (event) => { if (event.target.type === "search" || event.target.id === "node") soon(); else changed(); });
  $("clear").addEventListener("click", clear);
  $("clear-too").addEventListener("click", clear);
  const openAll = (open) => { for (const rule of rules) if (!rule.element.hidden) rule.element.open = open; };
  $("open-all").addEventListener("click", () => openAll(true));
  $("close-all").addEventListener("click", () => openAll(false));

  // The picture of the nodes: which one, and what of it.
  const cells = $("cells");
  if (cells) {
    const columns = Number(cells.dataset.columns);
    const under = (event) => {
      const box = cells.getBoundingClientRect();
      const side = box.width / columns;
      const column = Math.floor((event.clientX - box.left) / side), row = Math.floor((event.clientY - box.top) / side);
      return column < columns ? row * columns + column + 1 : 0;
    };
    cells.addEventListener("mousemove", (event) => {
      const name = names.get(under(event));
      $("cell-name").textContent = name === undefined ? "\u00a0" : name;
    });
    cells.addEventListener("click", (event) => {
      const name = names.get(under(event));
      if (name !== undefined) only("node", name);
    });
  }
  // Numbers become names where somebody wants them.
  for (const details of all(".numbers")) {
    details.addEventListener("toggle", () => {
      if (!details.open || details.dataset.named) return;
      details.dataset.named = "1";
      const entry = { element: details, at: null };
      const said = [];
      for (const [first, last] of placesOf(entry)) {
        for (let place = first; place <= last && said.length < 500; place += 1) said.push(names.get(place) ?? String(place));
      }
      const paragraph = document.createElement("p");
      paragraph.className = "named";
      paragraph.textContent = said.join(", ") + (said.length === 500 ? ", \u2026" : "");
      details.append(paragraph);
    });
  }

  // Keys.
  let on = true;
  const visible = () => rules.filter((rule) => !rule.element.hidden).sort((one, other) => (sorted === "control" ? one.order - other.order : 0));
  const step = (by) => {
    const there = visible();
    if (there.length === 0) return;
    const at = there.findIndex((rule) => rule.element.contains(document.activeElement));
    const next = there[at < 0 ? (by > 0 ? 0 : there.length - 1) : Math.min(Math.max(at + by, 0), there.length - 1)];
    next.summary.focus();
    next.summary.scrollIntoView({ block: "nearest" });
  };
  $("keys").addEventListener("click", () => $("help").showModal());
  $("keys-on").addEventListener("change", (event) => { on = event.target.checked; });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    const typing = event.target.matches("input[type=search], input[list], select, textarea");
    if (event.key === "Escape") {
      if (typing) event.target.blur();
      clear();
      return;
    }
    if (typing) return;
    const onRule = event.target.matches(".rule > summary");
    if (onRule && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
      return;
    }
    if (!on) return;
    if (event.key === "/") { event.preventDefault(); $("q").focus(); $("q").select(); }
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "?") { event.preventDefault(); $("help").showModal(); }
  });

  // Paper has no folds.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const details of folded) if (!details.classList.contains("numbers")) details.open = true;
  });
  window.addEventListener("afterprint", () => { for (const details of folded) details.open = false; folded = []; });

  const arrive = () => {
    const target = location.hash.startsWith("#rule-") ? $(decode(location.hash.slice(1))) : null;
    if (target) {
      clearTimeout(waiting);
      show(everything());
      apply();
      target.open = true;
      target.scrollIntoView();
      return;
    }
    const state = fromAddress();
    if (state) { show(state); apply(); if (state.verdict.length + state.change.length > 0) $("findings").scrollIntoView(); }
  };
  window.addEventListener("hashchange", arrive);
  document.documentElement.classList.add("js");
  arrive();
})();
