/** Loads the explainer and the model: after the page, so that the first load stays small. */
export class ExplainerLoader {
  // A promise of the explainer; null before the first load and after a failed one.
  #explainer = null;

  /** Elements and options as for `attachExplainer`. */
  constructor(elements, options) {
    Object.assign(this, { elements, options });
    elements.details.addEventListener("toggle", () => elements.details.open && this.load());
  }

  /** Load the explainer, or repeat a failed load. */
  async load() {
    this.#explainer ??= this.#fetch();
    await this.refresh();
  }

  /** Show the present drawing in the next frame. Cheap to call often. */
  async refresh() {
    (await this.#explainer)?.refresh();
  }

  async showMoment(moment) {
    (await this.#explainer)?.showMoment(moment);
  }

  async #fetch() {
    const { elements, options } = this;
    try {
      const [{ attachExplainer }] = await Promise.all([import("./panel.js"), options.session.loadModel()]);
      return attachExplainer(elements, options);
    } catch (error) {
      this.#explainer = null;
      elements.unit.textContent = `The network could not be loaded. ${error.message}`;
      elements.details.querySelector("div").textContent = "Close and open this panel to retry.";
      return null;
    }
  }
}
