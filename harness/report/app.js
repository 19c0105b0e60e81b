"use strict";
// Shows the samples. Text from models and files is only ever set as text (textContent), never as markup.
(() => {
  const $ = (id) => document.getElementById(id);
  const ROW = 32, BLOCK = 500;
  const data = JSON.parse($("data").textContent);
  const blocks = new Array(data.blocks.length);
  const FILTERS = ["search", "run", "condition", "outcome", "flip", "group"];
  const CHANGES = { lost: "right to wrong", gained: "wrong to right" };
  let index = null, shown = [], at = -1, texts = null, opened = -1;

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }
  async function sample(i) {
    const b = Math.floor(i / BLOCK);
    blocks[b] ??= unpack(data.blocks[b]);
    return (await blocks[b])[i % BLOCK];
  }
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.map((c) => (c instanceof Node ? c : document.createTextNode(String(c)))));
    return element;
  }
  function choices(id, options, all) {
    if (!$(id)) return;
    for (const option of [["", all], ...options]) {
      const [value, words] = Array.isArray(option) ? option : [option, option];
      $(id).append(make("option", { value }, words));
    }
  }

  // List: only the rows in view exist.
  function draw() {
    const list = $("list"), first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 10);
    const rows = [];
    for (let k = first; k < last; k++) {
      const i = shown[k], outcome = index.outcome[i];
      const row = make("div", { class: "row", role: "option", id: "row" + k, "aria-selected": k === at },
        make("span", { class: "outcome " + outcome }, (index.flip[i] ? (index.flip[i] === "lost" ? "▼ " : "▲ ") : "") + outcome),
        make("span", {}, index.id[i] + (index.epoch[i] > 1 ? " #" + index.epoch[i] : "")),
        make("span", { class: "piece" }, index.piece[i] || "(nothing read)"));
      if (data.runs.length > 1) row.append(make("span", { class: "where" }, data.runs[index.run[i]]));
      row.addEventListener("click", () => open(shown[k]));
      rows.push(row);
    }
    $("window").style.transform = `translateY(${first * ROW}px)`;
    $("window").replaceChildren(...rows);
    if (at >= 0) list.setAttribute("aria-activedescendant", "row" + at);
  }
  function select(k) {
    at = Math.max(0, Math.min(shown.length - 1, k));
    const list = $("list"), top = at * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    draw();
  }

  // Filter and search.
  async function allTexts() {
    texts ??= (async () => {
      const found = [];
      for (let b = 0; b < data.blocks.length; b++)
        for (const s of await (blocks[b] ??= unpack(data.blocks[b])))
          found.push((s.id + "\n" + (s.input || []).map((m) => m.content).join("\n") + "\n" + s.response).toLowerCase());
      return found;
    })();
    return texts;
  }
  let wanted = 0;
  async function filter() {
    const turn = ++wanted, words = $("search").value.trim().toLowerCase();
    const value = (id) => ($(id) ? $(id).value : "");
    const is = { run: value("run"), condition: value("condition"), outcome: value("outcome"), flip: value("flip") };
    const group = $("group").value.trim();
    const found = words ? await allTexts() : null;
    if (turn !== wanted) return;  // another key was pressed meanwhile
    shown = [];
    for (let i = 0; i < index.id.length; i++) {
      if (is.run && String(index.run[i] + 1) !== is.run) continue;
      if (is.condition && index.condition[i] !== is.condition) continue;
      if (is.outcome && index.outcome[i] !== is.outcome) continue;
      if (is.flip && index.flip[i] !== is.flip) continue;
      if (group && index.group[i] !== group) continue;
      if (found && !found[i].includes(words)) continue;
      shown.push(i);
    }
    if (data.runs.length === 2) shown.sort((a, b) => (index.flip[b] !== "") - (index.flip[a] !== "") || a - b);
    at = shown.length ? 0 : -1;
    $("space").style.height = shown.length * ROW + "px";
    $("list").style.height = `min(28rem, ${Math.max(4, shown.length) * ROW + 2}px)`;
    $("list").scrollTop = 0;
    $("count").textContent = `${shown.length} of ${index.id.length}`;
    draw();
  }

  // One sample.
  function part(body, title, text) {
    if (text === null || text === undefined || text === "" || JSON.stringify(text) === "{}") return;
    body.append(make("h3", {}, title), make("pre", {}, typeof text === "string" ? text : JSON.stringify(text, null, 1)));
  }
  async function open(i, address = true) {
    const before = opened;
    opened = i;
    if (shown.includes(i)) select(shown.indexOf(i));
    if (address) remember(before < 0);
    const s = await sample(i), body = $("body");
    if (opened !== i) return;  // another was opened meanwhile, or this one closed
    body.replaceChildren(make("h2", {}, `${s.id}${s.epoch > 1 ? " #" + s.epoch : ""}`),
      make("p", { class: "outcome " + s.outcome }, s.outcome),
      make("p", { class: "quiet" }, `${data.runs[s.run]}; ${s.condition}; group ${s.group}` +
        (s.stop_reason ? `; stop reason ${s.stop_reason}` : "") + (s.completion_tokens ? `; ${s.completion_tokens} tokens` : "")));
    plan(body, s);
    for (const m of s.input || []) part(body, "prompt, " + m.role, m.content);
    part(body, "thinking", s.thinking);
    part(body, "response", s.response || "(empty)");
    calls(body, s.several || []);
    expression(body, s);
    part(body, "answer as read", s.answer);
    part(body, "target", s.target);
    part(body, "error", s.error);
    part(body, "verdict", s.detail);
    part(body, "params", s.params);
    if (!$("sample").open) $("sample").showModal();
    $("sample").scrollTop = 0;
  }

  // The address of the page has the filters and the open sample. What it says is looked up among what there is here, or
  // set as the value of a field: nothing in it becomes markup or a path.
  function remember(push) {
    const told = new URLSearchParams();
    for (const id of FILTERS) if ($(id) && $(id).value) told.set(id, $(id).value);
    if (opened >= 0) told.set("sample", `${index.id[opened]}/${index.epoch[opened]}/${index.run[opened] + 1}`);
    const address = "#" + told;
    if (address === (location.hash || "#")) return;
    try { history[push ? "pushState" : "replaceState"](null, "", address); } catch { /* a page without an address */ }
  }
  async function follow() {
    const told = new URLSearchParams(location.hash.slice(1));
    const place = [...FILTERS, "sample"].some((name) => told.has(name)) ? null : $(location.hash.slice(1));
    for (let inside = place; inside; inside = inside.parentElement) if (inside.tagName === "DETAILS") inside.open = true;
    if (place) place.scrollIntoView();
    for (const id of FILTERS) {
      const field = $(id), value = (told.get(id) || "").slice(0, 1000);
      if (field) field.value = field.tagName !== "SELECT" || [...field.options].some((o) => o.value === value) ? value : "";
    }
    await filter();
    const named = /^([^]*)\/(\d{1,9})\/(\d{1,9})$/.exec(told.get("sample") || "");
    const found = named ? index.id.findIndex((id, i) =>
      id === named[1] && index.epoch[i] === Number(named[2]) && index.run[i] + 1 === Number(named[3])) : -1;
    if (told.has("sample") && found < 0) $("count").textContent += "; the address names no sample of this page";
    if (found >= 0) return open(found, false);
    opened = -1;
    $("sample").close();
    if (!place && location.hash.length > 1) $("samples").scrollIntoView();
  }
  function step(by) {
    const k = at + by;
    if (shown.length) open(shown[Math.max(0, Math.min(shown.length - 1, k))]);
  }

  // Answers built from many calls: every call in order, the first message that is new in it and what came back.
  function calls(body, made) {
    made.forEach((call, i) => {
      const inside = make("details", i === 0 ? { open: "" } : {}, make("summary", {}, `call ${i + 1} of ${made.length}` +
        (call.completion_tokens ? `; ${call.completion_tokens} tokens` : "") + (call.stop_reason === "stop" ? "" : `; ${call.stop_reason}`)));
      for (const m of call.input) part(inside, "prompt, " + m.role, m.content);
      part(inside, "thinking", call.thinking);
      part(inside, "response", call.response || "(empty)");
      body.append(inside);
    });
  }

  // Game of 24: what the expression comes to, beside what was wanted.
  function expression(body, s) {
    const value = (s.detail || {}).value, params = s.params || {};
    if (value === undefined || value === "" || !params.numbers || !s.answer) return;
    const right = String(value) === String(params.target);
    body.append(make("h3", {}, "expression"), make("p", { class: "expression" }, s.answer.split("=")[0].trim() + " = ",
      make("strong", { class: right ? "correct" : "wrong" }, value), `, wanted ${params.target} from ${params.numbers}` +
      (s.detail.reason ? ` (${s.detail.reason.replaceAll("_", " ")})` : "")));
  }

  // Plans: the steps with the failing one marked, and the towers of Blocksworld under its own and its mystery names.
  const WORLDS = [{ on: "on", table: "ontable", holding: "holding" }, { on: "craves", table: "planet", holding: "pain" }];
  const DOES = { "pick-up": "take", unstack: "take", attack: "take", feast: "take", "put-down": "drop", succumb: "drop",
    stack: "stack", overcome: "stack" };
  function plan(body, s) {
    const lines = (s.answer || "").split("\n").filter((l) => /^\([^()]+\)$/.test(l));
    if (!lines.length || lines.length > 500 || !(s.params || {}).problem) return;
    const failed = (s.detail || {}).step || 0;
    const list = make("ol", { class: "plan" }, ...lines.map((l, i) =>
      make("li", failed && i + 1 >= failed ? { class: i + 1 === failed ? "failed" : "after" } : {}, l)));
    body.append(make("h3", {}, failed ? `plan: step ${failed} fails (${s.detail.reason})` : "plan"), list);
    const missing = (s.detail || {}).missing || [];
    if (missing.length) body.append(make("p", {}, "does not hold: " + missing.join(" ")));
    const init = (s.params.problem.match(/\(:init([\s\S]*?)\(:goal/) || [])[1] || "";
    const facts = [...init.matchAll(/\(([a-z-]+)((?: [a-z])*)\)/g)].map((m) => [m[1], ...m[2].trim().split(" ")]);
    const world = WORLDS.find((w) => facts.some((f) => f[0] === w.table));
    if (!world) return;
    let towers = facts.filter((f) => f[0] === world.table).map((f) => [f[1]]);
    const above = new Map(facts.filter((f) => f[0] === world.on).map((f) => [f[2], f[1]]));
    for (const t of towers) while (above.has(t.at(-1))) t.push(above.get(t.at(-1)));
    let hand = (facts.find((f) => f[0] === world.holding) || [])[1] || null;
    const pictures = make("div", { class: "towers" }, picture(towers, hand, "start"));
    for (const [i, line] of lines.slice(0, failed ? failed - 1 : lines.length).entries()) {
      if (i >= 60) break;
      const [name, x, y] = line.slice(1, -1).split(" ");
      if (DOES[name] === "take") { hand = x; towers = towers.map((t) => t.filter((b) => b !== x)).filter((t) => t.length); }
      else if (DOES[name] === "drop") { towers.push([x]); hand = null; }
      else if (DOES[name] === "stack") { (towers.find((t) => t.at(-1) === y) || []).push(x); hand = null; }
      pictures.append(picture(towers.map((t) => [...t]), hand, i + 1));
    }
    body.append(pictures);
  }
  function picture(towers, hand, title) {
    const SVG = "http://www.w3.org/2000/svg", size = 18, high = Math.max(2, ...towers.map((t) => t.length)) + 2;
    const width = Math.max(1, towers.length) * (size + 6) + 6, height = high * size;
    const svg = document.createElementNS(SVG, "svg");
    const put = (tag, attributes, text) => {
      const e = document.createElementNS(SVG, tag);
      for (const [n, v] of Object.entries(attributes)) e.setAttribute(n, v);
      if (text) e.textContent = text;
      svg.append(e);
    };
    svg.setAttribute("width", width); svg.setAttribute("height", height + 4);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${title}: ${towers.map((t) => t.join(" under ")).join("; ")}${hand ? "; in hand " + hand : ""}`);
    const block = (name, x, y) => {
      put("rect", { x, y, width: size, height: size });
      put("text", { x: x + size / 2, y: y + size * 0.7 }, name);
    };
    towers.forEach((t, i) => t.forEach((b, h) => block(b, 6 + i * (size + 6), height - (h + 1) * size)));
    if (hand) block(hand, width / 2 - size / 2, 0);
    put("line", { x1: 0, x2: width, y1: height, y2: height });
    return make("figure", {}, svg, make("figcaption", {}, title));
  }

  document.addEventListener("keydown", (e) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (e.key === "/" && !typing) { e.preventDefault(); $("search").focus(); return; }
    if (typing || e.ctrlKey || e.metaKey || e.altKey || !index) return;
    const inside = $("sample").open;
    if (e.key === "j" || (e.key === "ArrowDown" && document.activeElement === $("list"))) {
      e.preventDefault(); inside ? step(1) : select(at + 1);
    } else if (e.key === "k" || (e.key === "ArrowUp" && document.activeElement === $("list"))) {
      e.preventDefault(); inside ? step(-1) : select(at - 1);
    } else if (e.key === "Enter" && document.activeElement === $("list") && at >= 0) open(shown[at]);
  });
  $("close").addEventListener("click", () => $("sample").close());
  $("sample").addEventListener("close", () => {
    if (opened < 0) return;
    opened = -1;
    remember(true);
  });
  $("next").addEventListener("click", () => step(1));
  $("back").addEventListener("click", () => step(-1));
  $("list").addEventListener("scroll", draw, { passive: true });
  $("filters").addEventListener("submit", (e) => e.preventDefault());
  for (const id of FILTERS) {
    const typed = id === "search" || id === "group";
    if ($(id)) $(id).addEventListener(typed ? "input" : "change", () => { remember(!typed); filter(); });
  }

  // Tables that are wider than the screen say so; what is folded is printed too.
  const watch = new ResizeObserver((seen) => {
    for (const { target } of seen) target.classList.toggle("wide", target.scrollWidth > target.clientWidth + 1);
  });
  for (const box of document.querySelectorAll(".scroll")) watch.observe(box);
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const d of closed) d.open = true;
  });
  addEventListener("afterprint", () => { for (const d of closed) d.open = false; });

  unpack(data.index).then((value) => {
    index = value;
    const distinct = (name) => [...new Set(index[name])];
    choices("run", data.runs.map((label, i) => [i + 1, label]), "all runs");
    choices("condition", distinct("condition"), "all conditions");
    choices("outcome", distinct("outcome"), "all outcomes");
    choices("flip", distinct("flip").filter((f) => f).map((f) => [f, CHANGES[f]]), "all");
    const groups = make("datalist", { id: "groups" }, ...distinct("group").slice(0, 1000).map((g) => make("option", { value: g })));
    $("filters").append(groups);
    addEventListener("hashchange", follow);
    return follow();
  });
})();
