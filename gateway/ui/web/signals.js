// All signals as cards, each with its value and a small line; only those on the screen are decoded.

import { byId, h, model, on, put, s } from "./model.js";
import { followed, matches, words } from "./filter.js";
import { about, doubt, keyOf, keyOfPath, ring, told } from "./history.js";
import { spark } from "./plot.js";
import { isPlotted, toggle } from "./plots.js";

const MOST = 600;
const pane = byId("pane-signals"), cards = h("div", { class: "cards" }), made = new Map(), visible = new Set();
pane.append(cards);
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) visible.add(target.dataset.key); else visible.delete(target.dataset.key);
  changed();
}, { root: pane, rootMargin: "40px" });
let changed = () => {};
export const onVisible = (act) => { changed = act; };
export const visibleKeys = () => pane.hidden ? [] : [...visible];

function card(key) {
  const what = about(key), value = h("span", { class: "v" }), quality = h("span", { class: "q" }), line = s("path");
  const at = h("button", { class: "card", "data-key": key, title: what.name, "aria-label": what.name, "aria-pressed": isPlotted(key), onclick: () => { toggle(key); at.setAttribute("aria-pressed", isPlotted(key)); } },
    h("span", { class: "k" }, what.short), value, quality, s("svg", { viewBox: "0 0 76 22", "aria-hidden": "true" }, line));
  ring(key);
  watcher.observe(at);
  const found = { at, value, quality, line, what, key };
  made.set(key, found);
  return found;
}

export function arrange() {
  if (pane.hidden) return;
  const wanted = words(), only = followed(), keys = [];
  if (!only) for (const path of model.paths) if (path && matches(path.path.toLowerCase(), wanted)) keys.push(keyOfPath(path.number));
  for (const of of model.messages) {
    if (!of || !model.rows.has(of.number) || (only && !only.has(of.number))) continue;
    of.signals.forEach((signal, index) => { if (matches(`${of.bus} ${of.name} ${signal.name}`.toLowerCase(), wanted)) keys.push(keyOf(of.number, index)); });
  }
  const shown = keys.slice(0, MOST).map((key) => made.get(key) ?? card(key));
  cards.replaceChildren(...shown.map((found) => found.at));
  for (const found of shown) found.at.setAttribute("aria-pressed", isPlotted(found.key));
  put(byId("shown"), `${keys.length} signals${keys.length > MOST ? `, ${MOST} shown` : ""}`);
}

let turn = 0;
function refresh() {
  if (pane.hidden) return;
  turn++;
  let index = 0;
  for (const key of visible) {
    const found = made.get(key);
    if (!found) continue;
    const text = told(key);
    put(found.value, `${text}${found.what.unit && text !== "–" && text !== "…" ? ` ${found.what.unit}` : ""}`);
    put(found.quality, doubt(key));
    if (index++ % 6 === turn % 6) found.line.setAttribute("d", spark(key));
  }
}
on("snapshot", () => requestAnimationFrame(refresh));
on("hello", () => { made.clear(); visible.clear(); watcher.disconnect(); cards.replaceChildren(); });
on("select", arrange);
let known = 0;
on("whole", () => { const size = model.rows.size + model.paths.length; if (size !== known) { known = size; arrange(); } });
