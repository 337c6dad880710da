// The picture of the vehicle: buses as rails, who is on them, the gateway between them, domains above it.

import { BUS, ECU, ROUTE, bitrate, byId, count, follow, model, on, put, s, selection } from "./model.js";

const map = byId("map");
const places = { nodes: new Map(), buses: new Map(), ways: [] };
const LEFT = 12, GAP = 18, BOX = 30, DOMAIN_BOX = 24;
let DOMAIN = 82, GATEWAY = 78;

const pen = document.createElement("canvas").getContext("2d");
/** How wide a name is, in pixels. */
function wide(name, weight = 550) {
  pen.font = `${weight} 12px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(name).width;
}
/** A name, cut where there is no room for it. */
function cut(name, room, weight) {
  if (wide(name, weight) <= room) return name;
  let kept = name.length - 1;
  while (kept > 1 && wide(`${name.slice(0, kept)}…`, weight) > room) kept--;
  return `${name.slice(0, kept)}…`;
}

export function draw() {
  map.replaceChildren(); places.nodes.clear(); places.buses.clear(); places.ways = [];
  const about = model.about;
  if (!about) return;
  const room = byId("topology"), rows = about.buses.length;
  const gateway = about.parts.find((part) => part.kind === "gateway");
  const domains = about.domains.concat(about.nodes.length ? ["nodes"] : []);
  const narrow = room.clientWidth < 520;
  GATEWAY = narrow ? 58 : 78;
  DOMAIN = narrow ? 72 : Math.min(120, Math.max(72, ...domains.map((name) => wide(name) + 18)));
  const x0 = LEFT + (domains.length ? DOMAIN + GAP : 0), start = gateway ? x0 + GATEWAY : LEFT;
  const columns = arranged(about, rows);
  const most = Math.max(1, ...columns.map(({ column }) => column + 1));
  const width = Math.max(room.clientWidth, start + most * 54 + 40);
  const row = Math.max(72, Math.min(110, (room.clientHeight - 14) / rows)), least = gateway ? domains.length * (DOMAIN_BOX + 4) + 8 : 0;
  const height = Math.max(rows * row + 14, least, room.clientHeight - 2);
  const top = (height - rows * row) / 2;
  map.setAttribute("viewBox", `0 0 ${width} ${height}`); map.setAttribute("width", width); map.setAttribute("height", height);
  const rail = (index) => top + index * row + Math.min(62, row - 24);
  const ties = s("g"), ways = s("g"), fronts = s("g");
  map.append(ties, ways, fronts);
  about.buses.forEach((bus, index) => fronts.append(busAt(bus, index, start, width - 14, rail(index), Math.min(width, room.clientWidth) - 14)));
  const pitch = (width - start - 40) / most, box = Math.min(108, pitch - 8);
  for (const { part, column, rows: on_ } of columns) {
    const x = start + 22 + column * pitch, y = rail(on_[0]) - 16 - BOX, middle = x + box / 2;
    for (const each of on_) ties.append(s("path", { class: "tie", "data-of": part.name, d: `M${middle} ${y + BOX}V${rail(each)}` }), s("circle", { cx: middle, cy: rail(each) + 3, r: 3.4, class: "tie dot", "data-of": part.name }));
    fronts.append(node(part, x, y, box, BOX, part.kind === "ecu" ? "ecu" : "rest"));
  }
  if (gateway) {
    const y = rail(0) - 46, tall = rail(rows - 1) + 22 - y;
    fronts.prepend(node(gateway, x0, y, GATEWAY, tall, "gateway"));
    fronts.append(s("text", { class: "small", x: x0 + GATEWAY / 2, y: y + tall - 8, "text-anchor": "middle" }, `${about.routes.length} routes`));
    about.routes.forEach((route) => ways.append(wayOf(route, about, x0, rail)));
    fronts.append(ways);
    // Beside the gateway where they have room there, else above and below it too.
    const step = Math.min(40, (height - 8) / domains.length), box = Math.min(BOX, step - 4), all = domains.length * step - (step - box);
    const first = Math.max(4, Math.min(all > tall - 12 ? y + (tall - all) / 2 : y + 6, height - 4 - all));
    domains.forEach((name, index) => {
      const dy = first + index * step, middle = dy + box / 2, end = Math.max(y + 8, Math.min(y + tall - 8, middle));
      ties.append(s("path", { class: "stub", d: `M${LEFT + DOMAIN} ${middle}H${x0 - GAP / 2}V${end}H${x0}` }));
      fronts.append(node({ name, kind: "domain", buses: [] }, LEFT, dy, DOMAIN, box, "domain"));
    });
  }
  refresh(); mark();
}

/** A column for each part above its first bus; who is on several buses needs that column free on all between. */
function arranged(about, rows) {
  const order = about.buses.map((bus) => bus.name), taken = Array.from({ length: rows }, () => new Set()), found = [];
  const parts = about.parts.filter((part) => part.kind !== "gateway" && part.buses.length);
  const wide = (part) => part.buses.length > 1 ? 0 : part.kind === "ecu" ? 1 : part.kind === "outside" ? 2 : 3;
  for (const part of parts.sort((a, b) => wide(a) - wide(b))) {
    const on_ = part.buses.map((bus) => order.indexOf(bus)).filter((index) => index >= 0).sort((a, b) => a - b);
    const passed = Array.from({ length: on_.at(-1) - on_[0] + 1 }, (_, index) => index + on_[0]);
    let column = on_.length > 1 ? 2 : 0; // the names of the buses that it passes stand at the left
    while (passed.some((index) => taken[index].has(column))) column++;
    passed.forEach((index) => taken[index].add(column));
    found.push({ part, column, rows: on_ });
  }
  return found;
}

function act(kind, name) {
  return { tabindex: 0, role: "button", onclick: () => follow(kind, name), onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); follow(kind, name); } } };
}

function node(part, x, y, width, height, kind) {
  const short = cut(part.name, width - 6, kind === "gateway" ? 700 : 550);
  const made = s("g", { class: `node ${kind}`, ...act(kind === "gateway" ? "gateway" : kind === "domain" ? "domain" : "ecu", part.name), "data-name": part.name },
    s("rect", { class: "face", x, y, width, height, rx: 7 }),
    s("text", { x: x + width / 2, y: y + (kind === "gateway" ? 17 : height / 2 + 4.2), "text-anchor": "middle", "font-weight": kind === "gateway" ? 700 : 550 }, short),
    s("text", { class: "state", x: x + width / 2, y: kind === "gateway" ? y + 30 : y + height - 2.5, "text-anchor": "middle" }),
    s("text", { class: "role", x: x + width - 2, y: y - 3, "text-anchor": "end" }),
    s("title", {}, part.name));
  places.nodes.set(part.name, { made, kind, name: made.children[1], y: y + height / 2 });
  return made;
}

function busAt(bus, index, x, end, y, seen) {
  const rates = bus.kind === "lin" ? `LIN ${bitrate(bus.bitrate)}` : bus.data_bitrate ? `CAN FD ${bitrate(bus.bitrate)}/${bitrate(bus.data_bitrate)}` : `CAN ${bitrate(bus.bitrate)}`;
  const room = seen - x - 150 - bus.name.length * 7.5; // for the rates, between the name and the load at the right
  const rate = `${rates}${bus.link ? ` ↔ ${bus.link}` : ""}`, shown = rate.length * 6.2 < room ? rate : "";
  const made = s("g", { class: "node bus", ...act("bus", bus.name), "data-name": bus.name },
    s("title", {}, `${bus.name} ${rate}`),
    s("rect", { class: "face", x, y: y - 6, width: end - x, height: 26 }),
    s("rect", { class: "rail", x, y, width: end - x, height: 6, rx: 3 }), s("rect", { class: "load", x, y, width: 0, height: 6, rx: 3 }),
    s("text", { x: x + 8, y: y + 19 }, s("tspan", { class: "bus-name" }, bus.name), s("tspan", { class: "small", dx: 8 }, shown)),
    s("text", { x: seen, y: y + 19, "text-anchor": "end" }, s("tspan", { class: "warn" }), s("tspan", { dx: 8 }), s("tspan", { class: "small", dx: 8 })));
  places.buses.set(bus.name, { made, length: end - x, narrow: seen - x < 260 });
  return made;
}

function wayOf(route, about, x0, rail) {
  const from = about.buses.findIndex((bus) => bus.name === route.source_bus), to = about.buses.findIndex((bus) => bus.name === route.target_bus);
  const right = x0 + GATEWAY, depth = 16 + 13 * Math.abs(from - to) + (route.number % 5) * 4;
  const made = s("path", { class: "way", d: `M${right} ${rail(from) + 1}C${right - depth} ${rail(from)} ${right - depth} ${rail(to) + 5} ${right} ${rail(to) + 5}` }, s("title", {}, `${route.name} ${route.source} → ${route.target}`));
  places.ways.push({ made, route });
  return made;
}

const WORDS = { off: "off", recorded: "recorded", failed: "✕ failed", "bus-off": "⊘ bus-off", "error-passive": "▲ passive" };

function refresh() {
  for (const [name, at] of places.buses) {
    const row = model.buses.get(name);
    if (!row) continue;
    const load = row[BUS.load], level = load > 0.85 ? "full" : load > 0.6 ? "high" : "ok", texts = at.made.lastChild.children;
    at.made.dataset.level = level; at.made.dataset.state = row[BUS.state];
    at.made.querySelector(".load").setAttribute("width", Math.max(0, Math.min(1, load)) * at.length);
    const warn = row[BUS.state] === "errors" ? `⚡ ${count(Math.round(row[BUS.errorRate]))} errors/s` : row[BUS.state] === "silent" ? "silent" : row[BUS.state] === "down" ? "✕ link down" : level !== "ok" ? "▲ busy" : "";
    put(texts[0], warn); put(texts[1], at.narrow && warn ? "" : `${(load * 100).toFixed(0)} %`); put(texts[2], at.narrow && warn ? "" : `${count(Math.round(row[BUS.rate]))}/s`);
    at.made.setAttribute("aria-label", `bus ${name}, load ${(load * 100).toFixed(0)} percent, ${Math.round(row[BUS.rate])} frames a second${warn ? `, ${warn}` : ""}`);
  }
  for (const [name, at] of places.nodes) {
    const row = model.ecus.get(name), text = row ? WORDS[row[ECU.state]] ?? "" : "";
    if (text) at.made.dataset.state = row[ECU.state]; else delete at.made.dataset.state;
    put(at.made.children[2], text);
    if (at.kind === "ecu" || at.kind === "rest") at.name.setAttribute("y", at.y + (text ? 0 : 4.2));
    put(at.made.lastChild, `${name}${row?.[ECU.failure] ? `: ${row[ECU.failure]}` : ""}`);
    at.made.setAttribute("aria-label", `${at.kind === "rest" ? "rest bus " : ""}${name}${text ? `, ${text}` : ""}`);
  }
  for (const { made, route } of places.ways) made.classList.toggle("idle", !(model.routes[route.number]?.[ROUTE.received] > 0));
}

/** Who has to do with what is followed: names of nodes with their role, buses, routes. */
export function related() {
  const about = model.about, nodes = new Map(), buses = new Set(), routes = new Set();
  const { kind, name, message } = selection;
  if (!kind || !about) return null;
  const gateway = about.gateway, way = (route) => { routes.add(route.number); nodes.set(gateway, "routes"); buses.add(route.source_bus); buses.add(route.target_bus); };
  const parties = (number) => {
    const of = model.messages[number], row = model.rows.get(number);
    if (!of) return;
    buses.add(of.bus);
    for (const sender of row?.[8] ? [row[8]] : of.senders) nodes.set(sender, sender === gateway ? "routes" : "sends");
    for (const receiver of of.receivers) if (!nodes.has(receiver)) nodes.set(receiver, "receives");
  };
  if (kind === "message") {
    parties(message);
    for (const route of about.routes) if (route.source_message === message || route.target_message === message) {
      way(route);
      for (const each of [route.source_message, route.target_message]) if (each !== null && each !== message) parties(each);
    }
  } else if (kind === "route") {
    const route = about.routes[message];
    way(route);
    for (const each of [route.source_message, route.target_message]) if (each !== null) parties(each);
  } else if (kind === "bus") {
    buses.add(name);
    for (const part of about.parts) if (part.buses.includes(name)) nodes.set(part.name, "");
    for (const route of about.routes) if (route.source_bus === name || route.target_bus === name) routes.add(route.number);
  } else if (kind === "ecu") {
    nodes.set(name, "");
    for (const bus of about.parts.find((part) => part.name === name)?.buses ?? []) buses.add(bus);
    for (const of of model.messages) if (of && sends(of, name)) for (const route of about.routes) if (route.source_message === of.number) way(route);
  } else {
    nodes.set(gateway, "");
    if (kind === "domain") nodes.set(name, "");
    for (const bus of about.buses) buses.add(bus.name);
    for (const route of about.routes) routes.add(route.number);
  }
  return { nodes, buses, routes };
}

export function sends(about, name) {
  return about.senders.includes(name) || model.rows.get(about.number)?.[8] === name;
}

function mark() {
  const found = related();
  map.classList.toggle("following", found !== null);
  for (const [name, at] of places.nodes) {
    const part = found?.nodes.has(name) ?? false;
    at.made.classList.toggle("on", part);
    at.made.setAttribute("aria-pressed", selection.name === name);
    put(at.made.children[3], part && at.kind !== "gateway" ? found.nodes.get(name) : "");
  }
  for (const [name, at] of places.buses) { at.made.classList.toggle("on", found?.buses.has(name) ?? false); at.made.setAttribute("aria-pressed", selection.kind === "bus" && selection.name === name); }
  for (const { made, route } of places.ways) made.classList.toggle("on", found?.routes.has(route.number) ?? false);
  for (const tie of map.querySelectorAll("[data-of]")) tie.classList.toggle("on", found?.nodes.has(tie.dataset.of) ?? false);
}

on("hello", draw);
on("whole", refresh);
on("select", mark);
let width = 0, height = 0;
new ResizeObserver(() => {
  const room = byId("topology");
  if (Math.abs(room.clientWidth - width) < 2 && Math.abs(room.clientHeight - height) < 2) return;
  width = room.clientWidth; height = room.clientHeight;
  draw();
}).observe(byId("topology"));
