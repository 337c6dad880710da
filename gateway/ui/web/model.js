// What the page knows of the vehicle: filled from the feed, read by the panels. Rows stay arrays as they come.

export const M = { number: 0, frames: 1, time: 2, period: 3, jitter: 4, hex: 5, changed: 6, stale: 7, sender: 8, values: 9 };
export const BUS = { name: 0, frames: 1, rate: 2, load: 3, errors: 4, errorRate: 5, waiting: 6, state: 7, events: 8 };
export const ROUTE = { number: 0, received: 1, forwarded: 2, filtered: 3, dropped: 4, last: 5, decision: 6 };
export const PATH = { number: 0, value: 1, quality: 2, age: 3, target: 4 };
export const ECU = { name: 0, state: 1, sent: 2, places: 3, failure: 4 };

export const model = {
  about: null, title: "", faultKinds: [], time: 0, at: 0, frames: 0, rate: 0, updates: 0,
  messages: [], rows: new Map(), paths: [], pathRows: new Map(), buses: new Map(), routes: [], ecus: new Map(),
  nodes: [], services: [], journeys: [], story: null, events: [], faults: [], playback: null, whole: false, trace: null, row: null,
};
export const selection = { kind: null, name: null, message: null };

const listeners = { hello: [], snapshot: [], whole: [], select: [] };
export const on = (what, act) => listeners[what].push(act);
export const tell = (what, with_) => { for (const act of listeners[what]) act(with_); };

/** Follow an ECU, a bus, the gateway, a route or a message; the same again, or nothing, ends it. */
export function follow(kind, name, message = null) {
  const same = selection.kind === kind && selection.name === name;
  Object.assign(selection, same || kind === null ? { kind: null, name: null, message: null } : { kind, name, message });
  tell("select");
}

export function takeHello(document_) {
  Object.assign(model, { about: document_.hello, title: document_.title, faultKinds: document_.faults, messages: [], paths: [], services: [], journeys: [], story: null });
  for (const kept of [model.rows, model.pathRows, model.buses, model.ecus]) kept.clear();
  tell("hello");
}

const rates = [];
export function takeSnapshot(found) {
  model.updates++;
  const jumped = found.time < model.time - 1e6;
  model.time = found.time; model.frames = found.frames;
  if (jumped) rates.length = 0;
  rates.push([found.time, found.frames]);
  while (rates.length > 2 && rates[1][0] < found.time - 1e9) rates.shift();
  const span = found.time - rates[0][0];
  model.rate = span > 0 ? (found.frames - rates[0][1]) * 1e9 / span : 0;
  for (const about of found.new_messages ?? []) model.messages[about.number] = about;
  for (const about of found.new_paths ?? []) model.paths[about.number] = about;
  for (const row of found.messages ?? []) {
    if (row[M.values] === null) row[M.values] = model.rows.get(row[0])?.[M.hex] === row[M.hex] ? model.rows.get(row[0])[M.values] : null;
    model.rows.set(row[0], row);
  }
  for (const row of found.paths ?? []) model.pathRows.set(row[0], row);
  model.whole = Boolean(found.whole);
  if (found.whole) {
    for (const row of found.buses ?? []) model.buses.set(row[0], row);
    for (const row of found.ecus ?? []) model.ecus.set(row[0], row);
    for (const name of ["routes", "nodes", "services", "journeys", "events", "faults"]) if (found[name] || name === "faults") model[name] = found[name] ?? [];
    if (found.story) model.story = found.story;
    if (found.trace) model.trace = found.trace;
    if (found.row) model.row = found.row;
  }
  if (found.playback) model.playback = found.playback;
  // What is plotted over: the place in a recording, where there is one.
  model.at = model.playback && model.playback[1] !== null ? model.playback[0] : model.time;
  tell("snapshot");
  if (found.whole) tell("whole");
}

/** A cyclic message that an ECU of this vehicle should have sent by now, and that has not come at all. */
export function never(about) {
  if (!about?.cycle_ns || model.rows.has(about.number) || model.time < 3 * about.cycle_ns + 5e8) return false;
  return about.senders.some((name) => model.about.parts.some((part) => part.name === name));
}

// Names and words

export const message = (number) => model.messages[number];
export const title = (about) => about ? about.name || about.identifier : "?";
export const value = (row, index) => { const found = row?.[M.values]?.[index]; return Array.isArray(found) ? found[0] : found ?? null; };
export const word = (row, index) => { const found = row?.[M.values]?.[index]; return Array.isArray(found) ? found[1] : number(found); };

export function number(found) {
  if (found === null || found === undefined) return "–";
  if (typeof found === "boolean") return found ? "true" : "false";
  if (Array.isArray(found)) return found.map(number).join(", ");
  if (typeof found !== "number") return String(found);
  if (Number.isInteger(found)) return String(found);
  const size = Math.abs(found);
  return size >= 1e7 || size < 1e-3 ? found.toPrecision(4) : String(+found.toFixed(size >= 100 ? 1 : 3));
}
export const seconds = (ns, digits = 3) => `${(ns / 1e9).toFixed(digits)} s`;
export const count = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");
export function span(ns) {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${+(ns / 1e3).toFixed(1)} µs`;
  if (ns < 1e9) return `${+(ns / 1e6).toFixed(ns < 1e7 ? 2 : 1)} ms`;
  return `${+(ns / 1e9).toFixed(2)} s`;
}
export const bitrate = (n) => n >= 1e6 ? `${n / 1e6}M` : `${n / 1e3}k`;

/** An element; attributes by name, `on…` as listeners. */
export function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  return dress(made, attributes, children);
}
export function s(name, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}
function dress(made, attributes, children) {
  for (const [key, each] of Object.entries(attributes)) {
    if (each === null || each === undefined || (each === false && !key.startsWith("aria-"))) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), each);
    else made.setAttribute(key, each === true && !key.startsWith("aria-") ? "" : each);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
export const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
export const byId = (id) => document.getElementById(id);
