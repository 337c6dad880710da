// Which messages belong to what is followed and to the words in the filter.

import { M, byId, message, model, never, selection } from "./model.js";
import { sends } from "./topology.js";

export const words = () => byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
export const matches = (text, wanted) => wanted.every((word) => text.includes(word));

/** The messages that what is followed has to do with; null for all. A followed message does not hide the others. */
export function followed() {
  const { kind, name, message: chosen } = selection, routes = model.about?.routes ?? [];
  const found = new Set(), add = (...numbers) => { for (const each of numbers) if (each !== null) found.add(each); };
  if (kind === "bus") for (const about of model.messages) { if (about?.bus === name) add(about.number); }
  else if (kind === "ecu") for (const about of model.messages) { if (about && (sends(about, name) || about.receivers.includes(name))) add(about.number); }
  else if (kind === "gateway" || kind === "domain") for (const route of routes) add(route.source_message, route.target_message);
  else if (kind === "route") add(routes[chosen].source_message, routes[chosen].target_message);
  else return null;
  return found;
}

/** What the journeys are to be of: [messages, routes], null for all. */
export function journeysOf() {
  const { kind, name, message: chosen } = selection;
  if (kind === "message") return [[chosen], null];
  if (kind === "route") return [null, [chosen]];
  if (kind === "bus") return [null, model.about.routes.filter((route) => route.source_bus === name || route.target_bus === name).map((route) => route.number)];
  if (kind === "ecu") return [model.messages.filter((about) => about && sends(about, name)).map((about) => about.number), null];
  return [null, null];
}

export const textOf = (about) => `${about.bus} ${about.identifier} ${about.name} ${about.senders.join(" ")} ${model.rows.get(about.number)?.[8] ?? ""} ${about.signals.map((signal) => signal.name).join(" ")} ${model.rows.get(about.number)?.[M.stale] ? "stale" : never(about) ? "never" : ""}`.toLowerCase();
export const numbersOf = (keys) => [...new Set(keys.filter((key) => key[0] === "m").map((key) => +key.slice(1).split(".")[0]))].filter((number) => message(number));
