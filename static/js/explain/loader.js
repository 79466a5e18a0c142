/** The network, unfolded: its panel and the model are fetched when they are first asked for. */
export class Thinking {
  #details;
  #options;
  #panel = null;
  // The version for which it was fetched anew.
  #asked = null;

  /**
   * @param {HTMLDetailsElement} details what unfolds; its div becomes the panel.
   * @param {{model: string, onMoment: Function, digit: (moment: number | null) => {version?: string}}} options
   *   the address of the model, and onMoment, as think/panel.js has them; digit gives what its show
   *   takes, with the version of the model that read it.
   */
  constructor(details, options) {
    [this.#details, this.#options] = [details, options];
    details.addEventListener("toggle", () => this.#toggled());
  }

  /** Show how the network comes to its answer on the digit that is looked at. */
  async show(moment = null) {
    if (!this.#details.open) return;
    this.#panel ??= this.#fetch();
    let panel = await this.#panel;
    const { version } = this.#options.digit(moment);
    if (panel && version && version !== panel.version && version !== this.#asked) {
      // Another model serves by now. Once: what read in the page may be older than it.
      this.#asked = version;
      this.#panel = this.#fetch();
      panel = await this.#panel;
    }
    panel?.show(this.#options.digit(moment));
  }

  /** The panel; null, after it has said so itself, where it cannot be had. */
  async #fetch() {
    try {
      const { attachPanel } = await import("./panel.js");
      return await attachPanel(this.#details.querySelector("div"), this.#options);
    } catch {
      return null;
    }
  }

  async #toggled() {
    // After trouble, once more each time it is opened.
    const before = this.#panel;
    if (this.#details.open && !(await before) && this.#panel === before) this.#panel = null;
    this.show();
  }
}
