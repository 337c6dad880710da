// Routes with their counts, what the buses told, nodes and their units.

import { ROUTE, byId, count, follow, h, model, on, put, seconds, selection } from "./model.js";
import { matches, words } from "./filter.js";

const sum = (counted) => counted.reduce((total, [, n]) => total + n, 0);
const reasons = (counted) => counted.map(([reason, n]) => `${reason}: ${count(n)}`).join(", ");

function table(pane, label, heads) {
  const body = h("tbody"), empty = h("p", { class: "empty" });
  byId(pane).append(h("table", { "aria-label": label }, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col", class: head[0] === "#" ? "n" : null }, head.replace("#", ""))))), body), empty);
  return { pane: byId(pane), body, empty };
}

const routes = table("pane-routes", "routes", ["", "from", "to", "#in", "#forwarded", "#filtered", "#dropped", "why", "rule"]);
const events = table("pane-events", "events of the buses", ["#time", "bus", "what", "who", ""]);
const nodes = table("pane-nodes", "nodes and units", ["node", "unit", "state", "sub"]);
const services = table("pane-services", "SOME/IP services", ["service", "instance", "", "state", "where", "who", "#events", "faults", "lately"]);
let rows = [];

function routeRow(about) {
  const cells = ["name", "end", "end", "n", "n", "n", "n", "", "mono soft"].map((name) => h("td", { class: name }));
  cells[0].textContent = about.name; cells[1].textContent = about.source; cells[2].textContent = about.target; cells[1].title = about.source; cells[2].title = about.target;
  cells[8].textContent = about.place.split("/").pop(); cells[8].title = about.place;
  const act = () => follow("route", about.name, about.number);
  const tr = h("tr", { tabindex: about.number === 0 ? 0 : -1, "data-number": about.number, title: about.when ? `when ${about.when}` : null, onclick: act, onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); act(); } } }, ...cells);
  return { about, tr, cells, text: `${about.name} ${about.source} ${about.target} ${about.place}`.toLowerCase() };
}

export function arrange() {
  if (!routes.pane.hidden) {
    const wanted = words(), shown = rows.filter((row) => matches(row.text, wanted));
    routes.body.replaceChildren(...shown.map((row) => row.tr));
    put(byId("shown"), `${shown.length} routes`);
    routes.empty.hidden = shown.length > 0; put(routes.empty, "no route");
    refresh();
  }
  if (!events.pane.hidden) tell();
  if (!nodes.pane.hidden) units();
  if (!services.pane.hidden) serve();
}

function refresh() {
  for (const { about, cells, tr } of rows) {
    const row = model.routes[about.number];
    tr.classList.toggle("chosen", selection.kind === "route" && selection.message === about.number);
    if (!row) continue;
    put(cells[3], count(row[ROUTE.received])); put(cells[4], count(row[ROUTE.forwarded]));
    put(cells[5], count(sum(row[ROUTE.filtered]))); put(cells[6], count(sum(row[ROUTE.dropped])));
    cells[6].className = row[ROUTE.dropped].length ? "n mark dropped" : "n";
    put(cells[7], [reasons(row[ROUTE.dropped]), reasons(row[ROUTE.filtered])].filter(Boolean).join("; "));
  }
}

function tell() {
  const wanted = words(), shown = model.events.filter((row) => matches(row.join(" ").toLowerCase(), wanted));
  events.body.replaceChildren(...shown.map(([time, bus, kind, part, text]) => h("tr", {}, h("td", { class: "n" }, seconds(time)), h("td", {}, bus), h("td", { class: "name" }, kind), h("td", {}, part), h("td", {}, text))));
  put(byId("shown"), shown.length ? `${shown.length} events` : "");
  events.empty.hidden = shown.length > 0; put(events.empty, "the buses have told nothing: no errors");
}

function units() {
  const wanted = words();
  const shown = model.nodes.flatMap(([name, online, of]) => [[name, "", online ? "online" : "offline", ""], ...of.map((unit) => [name, ...unit])]).filter((row) => matches(row.join(" ").toLowerCase(), wanted));
  nodes.body.replaceChildren(...shown.map((row) => h("tr", {}, h("td", { class: row[1] ? "" : "name" }, row[0]), h("td", {}, row[1]), h("td", {}, h("span", { class: row[2] === "failed" || row[2] === "offline" ? "mark bad" : "" }, row[2])), h("td", {}, row[3]))));
  put(byId("shown"), `${model.nodes.length} nodes`);
}

function serve() {
  const wanted = words(), shown = model.services.filter((row) => matches(row.flat(3).join(" ").toLowerCase(), wanted));
  services.body.replaceChildren(...shown.map(([name, instance, role, state, where, who, sent, , faults, lately]) => h("tr", { title: lately.join("\n") }, h("td", { class: "name" }, name), h("td", { class: "mono" }, instance), h("td", {}, role), h("td", {}, h("span", { class: state === "missing" ? "mark bad" : "" }, state)), h("td", {}, where), h("td", { class: "end", title: who.join(", ") }, who.join(", ")), h("td", { class: "n", title: reasons(sent) }, count(sum(sent))), h("td", {}, h("span", { class: faults.length ? "mark bad" : "" }, reasons(faults))), h("td", {}, lately.at(-1) ?? ""))));
  put(byId("shown"), `${shown.length} services`);
}

on("hello", () => { byId("tab-services").hidden = true; rows = model.about.routes.map(routeRow); byId("tab-nodes").hidden = !model.about.nodes.length; arrange(); });
on("whole", () => { if (!routes.pane.hidden) refresh(); if (!events.pane.hidden) tell(); if (!nodes.pane.hidden) units(); byId("tab-services").hidden = !model.services.length; if (!services.pane.hidden) serve(); });
on("select", refresh);
