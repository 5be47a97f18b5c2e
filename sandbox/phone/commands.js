// The command list: opened by "/" in the composer or by the menu button, walked with the arrow keys.
// Choosing a command sends it at once, as Telegram's own apps do.

export class CommandSheet {
  #commands = [];
  #shown = [];
  #active = 0;

  constructor({ sheet, list, menu, composer, send }) {
    Object.assign(this, { sheet, list, menu, composer, send });
    menu.addEventListener("click", () => (this.open ? this.close() : this.#show("")));
    composer.addEventListener("input", () => this.#follow());
  }

  get open() { return !this.sheet.hidden; }

  set(commands) {
    this.#commands = commands;
    this.menu.hidden = commands.length === 0;
    if (this.open) this.#follow();
  }

  close() {
    this.sheet.hidden = true;
    this.#announce();
  }

  /** Take a key pressed in the composer; true when it was for the list. */
  key(event) {
    if (!this.open) return false;
    if (event.key === "Escape") this.close();
    else if (event.key === "ArrowDown") this.#move(1);
    else if (event.key === "ArrowUp") this.#move(-1);
    else if (event.key === "Enter" && !event.shiftKey && this.#shown.length) this.#choose(this.#shown[this.#active]);
    else return false;
    return true;
  }

  #follow() {
    const typed = this.composer.value;
    if (/^\/\w*$/.test(typed)) this.#show(typed.slice(1).toLowerCase());
    else this.close();
  }

  #show(prefix) {
    this.#shown = this.#commands.filter((each) => each.command.startsWith(prefix));
    this.#active = 0;
    this.sheet.hidden = this.#shown.length === 0;
    this.list.replaceChildren(...this.#shown.map((each, index) => this.#row(each, index)));
    this.#announce();
  }

  #row(each, index) {
    const row = document.createElement("li");
    row.id = `command-${index}`;
    row.setAttribute("role", "option");
    row.dataset.command = each.command;
    const name = document.createElement("b");
    name.textContent = `/${each.command}`;
    const words = document.createElement("span");
    words.textContent = each.description;
    row.append(name, words);
    row.addEventListener("click", () => this.#choose(each));
    return row;
  }

  #choose(each) {
    this.close();
    this.composer.value = "";
    this.composer.dispatchEvent(new Event("input"));
    this.send(`/${each.command}`);
    this.composer.focus();
  }

  #move(step) {
    this.#active = (this.#active + step + this.#shown.length) % this.#shown.length;
    this.#announce();
  }

  #announce() {
    this.menu.setAttribute("aria-expanded", String(this.open));
    this.composer.setAttribute("aria-expanded", String(this.open));
    [...this.list.children].forEach((row, index) => {
      row.setAttribute("aria-selected", String(this.open && index === this.#active));
      if (this.open && index === this.#active) row.scrollIntoView({ block: "nearest" });
    });
    if (this.open) this.composer.setAttribute("aria-activedescendant", `command-${this.#active}`);
    else this.composer.removeAttribute("aria-activedescendant");
  }
}
