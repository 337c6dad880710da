// The WebSocket to the vehicle: what is shown is told to it, commands are answered, and it is found again when it was away.

import { byId, put, takeHello, takeSnapshot } from "./model.js";

let socket = null, wait = 250, number = 0, shown = "";
const waiting = new Map();

export function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/feed`);
  socket.onopen = () => { wait = 250; state("live", "live"); if (shown) socket.send(shown); };
  socket.onmessage = ({ data }) => take(JSON.parse(data));
  socket.onclose = () => {
    state("gone", "not running");
    for (const done of waiting.values()) done("the vehicle is gone");
    waiting.clear();
    setTimeout(connect, wait);
    wait = Math.min(4000, wait * 2);
  };
}

function state(name, text) { const at = byId("connection"); at.dataset.state = name; put(at, text); }

function take(found) {
  if (found.hello) takeHello(found);
  else if ("answer" in found) { waiting.get(found.answer)?.(found.problem); waiting.delete(found.answer); if (found.problem) problem(found.problem); }
  else takeSnapshot(found);
}

/** Tell what is on the screen; nothing is sent when it is as before. */
export function show(visible) {
  const text = JSON.stringify({ show: visible });
  if (text === shown) return;
  shown = text;
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
}

/** Let something be done: resolves to null, or to what hindered it. */
export function command(what) {
  return new Promise((done) => {
    if (socket?.readyState !== WebSocket.OPEN) return done("the vehicle is gone");
    waiting.set(++number, done);
    socket.send(JSON.stringify({ id: number, do: what }));
  });
}

let timer = 0;
export function problem(text) {
  const at = byId("problem");
  at.hidden = false; at.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { at.hidden = true; }, 8000);
}
