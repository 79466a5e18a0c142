/** Loads the network panel and the model when the panel is opened for the first time. */
export class ExplainerLoader {
  #details;
  #options;
  #panel = null;
  // The model version for which the panel was last fetched again.
  #requestedVersion = null;

  /**
   * @param {HTMLDetailsElement} details whose div becomes the panel
   * @param {{modelUrl: string, onMoment: Function, getInput: (moment: number | null) => object}} options
   *   modelUrl and onMoment as for `attachPanel`; getInput returns the argument of the panel's show
   *   with the `version` of the model that predicted it
   */
  constructor(details, options) {
    [this.#details, this.#options] = [details, options];
    details.addEventListener("toggle", () => this.#onToggle());
  }

  /** Show the layers for the selected digit, at a moment of a replay. */
  async show(moment = null) {
    if (!this.#details.open) return;
    this.#panel ??= this.#fetch();
    let panel = await this.#panel;
    const { version } = this.#options.getInput(moment);
    if (panel && version && version !== panel.version && version !== this.#requestedVersion) {
      // The server has promoted another model. Only once: local predictions may use an older one.
      this.#requestedVersion = version;
      this.#panel = this.#fetch();
      panel = await this.#panel;
    }
    panel?.show(this.#options.getInput(moment));
  }

  /** Return the panel, or null after it has shown its error. */
  async #fetch() {
    try {
      const { attachPanel } = await import("./panel.js");
      return await attachPanel(this.#details.querySelector("div"), this.#options);
    } catch {
      return null;
    }
  }

  async #onToggle() {
    // Opening the panel again retries a failed fetch.
    const panel = this.#panel;
    if (this.#details.open && !(await panel) && this.#panel === panel) this.#panel = null;
    this.show();
  }
}
