// The bot's signs of life between messages: typing, drafts, spinning buttons, toasts, alert boxes.
import { withSigns } from "./emoji.js";
import { richText } from "./text.js";

const ANSWER_MS = 15_000;   // how long a button waits for its answer, as on Telegram
const ACTION_MS = 5_000;    // how long "typing…" stands
const DRAFT_MS = 30_000;    // how long a draft stands

/** Three hopping dots, and words for the header. */
export class Typing {
  words = "";
  #timer = 0;

  constructor(dots, changed) { Object.assign(this, { dots, changed }); }

  start(words) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stop(), ACTION_MS);
    this.#set(words);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#set("");
  }

  #set(words) {
    this.words = words;
    this.dots.hidden = !words;
    this.changed();
  }
}

/** The preview of a message that is still being written; it is no record and fades. */
export class Draft {
  #item = null;
  #timer = 0;

  constructor(log) { this.log = log; }

  show({ text, entities }, actions) {
    this.clear();
    const body = document.createElement("div");
    body.className = "bubble";
    body.append(richText(text, entities, actions));
    this.#item = document.createElement("li");
    this.#item.className = "row draft";
    this.#item.append(body);
    this.log.append(this.#item);
    this.#timer = setTimeout(() => this.clear(), DRAFT_MS);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#item?.remove();
    this.#item = null;
  }
}

/** Buttons that were pressed and spin until the bot answers or the time for an answer is over. */
export class Taps {
  #last = 0;
  #waiting = new Map();   // our reference, later the query's id -> the button

  constructor(tell) { this.tell = tell; }

  start(message_id, data, button) {
    if (button.getAttribute("aria-busy") === "true") return;
    const ref = `r${this.#last += 1}`;
    if (!this.tell({ type: "tap", message_id, data, ref })) return toast("Not connected: the tap was not sent.");
    button.setAttribute("aria-busy", "true");
    this.#waiting.set(ref, button);
    setTimeout(() => button.removeAttribute("aria-busy"), ANSWER_MS);
  }

  sent(ref, query) {
    this.#waiting.set(query, this.#waiting.get(ref));
    this.#waiting.delete(ref);
  }

  done(key) {
    this.#waiting.get(key)?.removeAttribute("aria-busy");
    this.#waiting.delete(key);
  }
}

let toastTimer = 0;

export function toast(text) {
  const box = document.getElementById("toast");
  clearTimeout(toastTimer);
  box.replaceChildren(withSigns(text));
  box.hidden = false;
  toastTimer = setTimeout(() => { box.hidden = true; }, 1_600 + 45 * text.length);
}

export function showAlert(text) {
  const box = document.getElementById("alert");
  document.getElementById("alert-text").replaceChildren(withSigns(text));
  if (!box.open) box.showModal();
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`Copied ${text.length > 32 ? "to the clipboard" : text}`);
  } catch {
    toast("The browser does not allow copying here.");
  }
}
