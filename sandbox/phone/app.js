// The phone: one WebSocket in, a chat on the screen. See telegram_page.py for what travels.
import { bubble, dayLine, wordsOf } from "./bubbles.js";
import { CommandSheet } from "./commands.js";
import { withSigns } from "./emoji.js";
import { Draft, Taps, Typing, copy, showAlert, toast } from "./signs.js";
import { day, setClock, tickTimes } from "./text.js";

const $ = (id) => document.getElementById(id);
const log = $("log"), scroll = $("scroll"), composer = $("composer"), chip = $("chip");

const NEAR_PX = 80;   // so near to the end counts as reading the latest

const messages = new Map();
let pinned = [];
let botName = "Prahari";
let about = "";
let unread = 0;
let editing = null;
let atEnd = true, lastTop = 0;

const typing = new Typing($("typing"), showStatus);
const draft = new Draft(log);
const taps = new Taps(tell);

function showStatus() {
  const state = document.body.dataset.online !== "true" ? "away" : typing.words ? "typing" : "on";
  $("status").dataset.state = state;
  $("status").textContent = { away: "reconnecting…", typing: typing.words, on: about || "on watch" }[state];
}

/* ------------------------------------------------------------------------------------ the socket */

let socket = null;
let retry_ms = 250;

function connect() {
  const address = new URL(`ws${location.search}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(address);
  socket.addEventListener("open", () => { retry_ms = 250; });
  socket.addEventListener("message", (event) => { const said = JSON.parse(event.data); on[said.type]?.(said); });
  socket.addEventListener("close", () => {
    setOnline(false);
    setTimeout(connect, retry_ms);
    retry_ms = Math.min(retry_ms * 1.6, 3_000);
  });
}

function tell(wish) {
  if (socket.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(wish));
  return true;
}

function setOnline(online) {
  $("banner").hidden = online;
  document.body.dataset.online = String(online);
  if (!online) typing.stop();
  showStatus();
}

const on = {
  hello(said) {
    setClock(said.now_s);
    botName = said.bot.name;
    about = said.about;
    $("bot-name").textContent = said.chat.private ? botName : `${said.chat.title}`;
    commands.set(said.commands);
    const stay = atEnd, top = scroll.scrollTop, known = new Set(messages.keys());
    log.replaceChildren();
    messages.clear();
    for (const message of said.messages) put(message);
    showPinned(said.pinned);
    setOnline(true);
    if (stay) {
      seen();
      toEnd("instant");
    } else {
      // Whoever was reading further up reads on there, and is told what came meanwhile.
      scroll.scrollTop = top;
      for (const message of said.messages) if (!message.own && !known.has(message.message_id)) count();
    }
  },
  message(said) { receive(said.message); },
  commands(said) { commands.set(said.commands); },
  about(said) { about = said.about; showStatus(); },
  pinned(said) { showPinned(said.pinned); },
  action() { stayAtEnd(() => typing.start("typing…")); },
  draft(said) { stayAtEnd(() => (said.text ? draft.show(said, actions) : typing.start("thinking…"))); },
  tapped(said) { taps.sent(said.ref, said.query); },
  answer(said) {
    taps.done(said.query);
    if (said.text) (said.alert ? showAlert : toast)(said.text);
  },
  problem(said) { taps.done(said.ref); toast(said.text); },
};

/* --------------------------------------------------------------------------------------- messages */

const actions = {
  send: (text) => send(text),
  tap: (id, data, button) => taps.start(id, data, button),
  copy,
  jump,
};

const itemOf = (id) => log.querySelector(`[data-message-id="${id}"]`);

function put(message) {
  messages.set(message.message_id, message);
  const item = bubble(message, actions);
  const old = itemOf(message.message_id);
  if (old) {
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.button : null;
    old.replaceWith(item);
    // A keyboard user keeps the place: the same button of the new version, or the composer.
    if (focused) (item.querySelector(`[data-button="${CSS.escape(focused)}"]`) ?? composer).focus();
    return item;
  }
  const last = [...log.querySelectorAll("[data-day]")].pop();
  if (last?.dataset.day !== day(message.date)) log.append(dayLine(message.date));
  log.append(item);
  return item;
}

function receive(message) {
  const known = messages.has(message.message_id);
  if (message.deleted) {
    messages.delete(message.message_id);
    itemOf(message.message_id)?.remove();
    return showPinned(pinned);
  }
  const stay = atEnd;
  const item = put(message);
  if (known) {
    item.classList.add("changed");
  } else {
    draft.clear();
    typing.stop();
    item.classList.add("fresh");
    if (!message.own && !message.silent && !item.classList.contains("service")) item.classList.add("loud");
    if (!message.own) count();
  }
  if (pinned.includes(message.message_id)) showPinned(pinned);
  if (stay || (message.own && !known)) toEnd(known ? "instant" : gently());
}

function showPinned(ids) {
  pinned = ids;
  const latest = messages.get(ids[ids.length - 1]);
  $("pinned").hidden = !latest;
  if (latest) $("pinned-text").replaceChildren(withSigns(wordsOf(latest).replace(/\s+/g, " ")));
}

function jump(id) {
  const item = itemOf(id);
  if (!item) return;
  item.scrollIntoView({ block: "center", behavior: gently() });
  item.classList.remove("found");
  requestAnimationFrame(() => item.classList.add("found"));
}

/* ----------------------------------------------------------------------- reading and not reading */

function stayAtEnd(change) {
  const stay = atEnd;
  change();
  if (stay) toEnd(gently());
}

// Who asked the system for less motion gets none here either.
function gently() { return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth"; }

function toEnd(behavior) { scroll.scrollTo({ top: scroll.scrollHeight, behavior }); }

function count() {
  if (atEnd && !document.hidden) return;
  unread += 1;
  showUnread();
}

function seen() {
  unread = 0;
  showUnread();
}

function showUnread() {
  document.title = unread ? `(${unread}) ${botName}` : botName;
  chip.hidden = !unread || atEnd;
  chip.textContent = `${unread} new message${unread === 1 ? "" : "s"} ↓`;
}

scroll.addEventListener("scroll", () => {
  const top = scroll.scrollTop, near = scroll.scrollHeight - top - scroll.clientHeight < NEAR_PX;
  // On its ride to the end the page counts as there, or messages of the meantime would stop it:
  // only a move up says that somebody wants to read.
  atEnd = near || (atEnd && top >= lastTop);
  lastTop = top;
  if (atEnd && !document.hidden) seen();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && atEnd) seen(); });
chip.addEventListener("click", () => { toEnd(gently()); seen(); });
new ResizeObserver(() => { if (atEnd) toEnd("instant"); }).observe(scroll);
$("pinned").addEventListener("click", () => jump(pinned[pinned.length - 1]));

/* ------------------------------------------------------------------------------------- composing */

function send(text) {
  const words = text.trim();
  if (!words) return false;
  const wish = editing ? { type: "edit", message_id: editing, text: words } : { type: "send", text: words };
  if (!tell(wish)) {
    toast("Not connected: nothing was sent.");
    return false;
  }
  stopEditing();
  return true;
}

function fit() {
  composer.style.height = "auto";
  const edges = composer.offsetHeight - composer.clientHeight;
  composer.style.height = `${composer.scrollHeight + edges}px`;
  $("send").disabled = !composer.value.trim();
}

function compose(text) {
  composer.value = text;
  fit();
}

function startEditing() {
  const own = [...messages.values()].filter((message) => message.own && message.text).pop();
  if (!own) return;
  editing = own.message_id;
  $("editing").hidden = false;
  compose(own.text);
}

function stopEditing() {
  editing = null;
  $("editing").hidden = true;
}

const commands = new CommandSheet({ sheet: $("sheet"), list: $("commands"), menu: $("menu"), composer, send });

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  commands.close();
  if (send(composer.value)) compose("");
  composer.focus();
});
composer.addEventListener("input", fit);
composer.addEventListener("keydown", (event) => {
  if (commands.key(event)) return event.preventDefault();
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("form").requestSubmit();
  } else if (event.key === "ArrowUp" && !composer.value) {
    event.preventDefault();
    startEditing();
  } else if (event.key === "Escape" && editing) {
    $("editing-stop").click();
  }
});
$("editing-stop").addEventListener("click", () => { stopEditing(); compose(""); composer.focus(); });

setInterval(() => tickTimes(log), 1_000);
showStatus();
connect();
if (matchMedia("(pointer: fine)").matches) composer.focus();
