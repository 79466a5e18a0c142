/** Loads the explainer and the model: after the page, so that the first load stays small. */
export class ExplainerLoader {
  #elements;
  #options;
  #explainer = null;
  // The model version for which the explainer was last loaded again.
  #requestedVersion = null;

  /**
   * @param {{details: HTMLDetailsElement}} elements as for `attachExplainer`
   * @param {{getVersion: () => string | undefined}} options as for `attachExplainer`; getVersion returns
   *   the version of the model that made the displayed prediction
   */
  constructor(elements, options) {
    [this.#elements, this.#options] = [elements, options];
    elements.details.addEventListener("toggle", () => elements.details.open && this.load());
  }

  /** Load the explainer, or repeat a failed load; return it, or null after it has shown its error. */
  async load() {
    this.#explainer ??= this.#fetch();
    const explainer = await this.#explainer;
    if (!explainer) this.#explainer = null;
    explainer?.refresh();
    return explainer;
  }

  /** Show the present drawing in the next frame. Cheap to call often. */
  async refresh() {
    const explainer = await this.#explainer;
    const version = this.#options.getVersion();
    // The server has promoted another model. Only once: local predictions may use an older one.
    if (explainer && version && version !== explainer.version && version !== this.#requestedVersion) {
      this.#requestedVersion = version;
      this.#explainer = null;
      return this.load();
    }
    return explainer?.refresh();
  }

  /** Show a moment of the drawing time; null shows the present. */
  async showMoment(moment) {
    (await this.#explainer)?.showMoment(moment);
  }

  async #fetch() {
    try {
      const { attachExplainer } = await import("./panel.js");
      return await attachExplainer(this.#elements, this.#options);
    } catch {
      return null;
    }
  }
}
