/** Loads the explainer and the model: after the page, so that the first load stays small. */
export class ExplainerLoader {
  #elements;
  #options;
  #explainer = null;

  /**
   * @param {{details: HTMLDetailsElement}} elements as for `attachExplainer`
   * @param {{session: import("../recognize/session.js").Session}} options as for `attachExplainer`
   */
  constructor(elements, options) {
    [this.#elements, this.#options] = [elements, options];
    elements.details.addEventListener("toggle", () => elements.details.open && this.load());
  }

  /** Load the explainer, or repeat a failed load; return it, or null after it has shown its error. */
  async load() {
    const loading = (this.#explainer ??= this.#fetch());
    const explainer = await loading;
    if (!explainer && this.#explainer === loading) this.#explainer = null;
    explainer?.refresh();
    return explainer;
  }

  /** Show the present drawing in the next frame. Cheap to call often. */
  async refresh() {
    (await this.#explainer)?.refresh();
  }

  /** Show a moment of the drawing time; null shows the present. */
  async showMoment(moment) {
    (await this.#explainer)?.showMoment(moment);
  }

  async #fetch() {
    try {
      const loads = [import("./panel.js"), this.#options.session.loadModel()];
      const [{ attachExplainer }] = await Promise.all(loads);
      return attachExplainer(this.#elements, this.#options);
    } catch (error) {
      this.#elements.unit.textContent = `The network could not be loaded. ${error.message}`;
      this.#elements.details.querySelector("div").textContent = "Close and open this panel to retry.";
      return null;
    }
  }
}
