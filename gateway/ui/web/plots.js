// The plots: one line each, chosen from any table, kept for the next visit.

import { byId, h, model, on, put } from "./model.js";
import { about, doubt, keyOf, keyOfLoad, keyOfPath, ring, told } from "./history.js";
import { plot } from "./plot.js";

const MOST = 12, FIRST = 4;
const list = byId("plot-list");
const chosen = new Map();

export const isPlotted = (key) => chosen.has(key);
export const plotted = () => [...chosen.keys()];

export function toggle(key) {
  if (chosen.has(key)) remove(key); else add(key);
  save();
}

function add(key) {
  const what = about(key);
  if (!what || chosen.has(key)) return;
  if (chosen.size >= MOST) remove(chosen.keys().next().value);
  ring(key);
  const canvas = h("canvas", { role: "img", "aria-label": `plot of ${what.name}` }), value = h("span", { class: "v" });
  const at = h("div", { class: "plot", "data-key": key }, canvas, h("span", { class: "k" }, what.name, what.unit ? h("span", { class: "soft" }, ` ${what.unit}`) : null), value,
    h("button", { "aria-label": `no plot of ${what.name}`, title: "remove", onclick: () => { remove(key); save(); } }, "✕"));
  list.append(at);
  chosen.set(key, { at, canvas, value, what });
  byId("plots-hint").hidden = true;
}

function remove(key) {
  chosen.get(key)?.at.remove();
  chosen.delete(key);
  for (const each of document.querySelectorAll(`[data-key="${key}"][aria-pressed]`)) each.setAttribute("aria-pressed", "false");
  byId("plots-hint").hidden = chosen.size > 0;
}

const place = () => `plots of ${model.about.name}`;
function save() {
  try { localStorage.setItem(place(), JSON.stringify(plotted().map((key) => about(key)?.name))); } catch { /* a browser that keeps nothing */ }
}

function byName(name) {
  const loaded = model.about.buses.find((bus) => name === `${bus.name} load`);
  if (loaded) return keyOfLoad(loaded.name);
  const path = model.paths.find((each) => each?.path === name);
  if (path) return keyOfPath(path.number);
  for (const of of model.messages) {
    const index = of && name.startsWith(`${of.bus}.${of.name}.`) ? of.signals.findIndex((signal) => `${of.bus}.${of.name}.${signal.name}` === name) : -1;
    if (index >= 0) return keyOf(of.number, index);
  }
  return null;
}

/** What to plot when nobody has chosen yet: the vehicle's speed, then what a driver feels, of one message each. */
function suggestion() {
  const found = [], speed = model.paths.find((path) => path?.path === "Vehicle.Speed");
  if (speed) found.push(keyOfPath(speed.number));
  const copies = new Set(model.about.routes.map((route) => route.target_message)), of = new Set();
  for (const wish of WISHES) for (const about_ of model.messages) {
    if (!about_ || copies.has(about_.number) || of.has(about_.number) || !model.rows.has(about_.number) || found.length >= FIRST) continue;
    const index = about_.signals.findIndex((signal) => !signal.labels.length && wish.test(signal.name));
    if (index < 0) continue;
    found.push(keyOf(about_.number, index)); of.add(about_.number);
    break;
  }
  return found;
}
const WISHES = [/torque/i, /steer.*angle|^angle/i, /current/i, /speed|rpm/i, /pressure|brake/i, /temp/i, /./];

let begun = false;
on("hello", () => { for (const key of plotted()) remove(key); begun = false; });
on("whole", () => {
  if (begun || model.rows.size < 3 || model.time < 1) return;
  begun = true;
  let names = null;
  try { names = JSON.parse(localStorage.getItem(place())); } catch { /* nothing kept */ }
  const keys = names?.length ? names.map(byName).filter(Boolean) : suggestion();
  for (const key of keys) add(key);
});

let drawing = false;
export function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const seconds = +byId("span").value;
    [...chosen.values()].forEach(({ canvas, value, what, at }, index) => {
      const key = at.dataset.key;
      plot(canvas, key, index, seconds);
      put(value, [told(key), doubt(key)].filter(Boolean).join(" · "));
      value.title = what.name;
    });
  });
}
on("snapshot", draw);
