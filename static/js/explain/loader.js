/** Loads the explainer and the model: after the page, so that the first load stays small. */
export class ExplainerLoader {
  #fetch;
  #explainer = null;

  /**
   * @param {{details: HTMLDetailsElement}} elements as for `attachExplainer`
   * @param {{session: import("../recognize/session.js").Session}} options as for `attachExplainer`
   */
  constructor(elements, options) {
    this.#fetch = () => fetchExplainer(elements, options);
    elements.details.addEventListener("toggle", () => elements.details.open && this.load());
  }

  /** Load the explainer, or repeat a failed load. */
  async load() {
    const loading = (this.#explainer ??= this.#fetch());
    const explainer = await loading;
    if (!explainer && this.#explainer === loading) this.#explainer = null;
    explainer?.refresh();
  }

  /** Show the present drawing in the next frame. Cheap to call often. */
  async refresh() {
    (await this.#explainer)?.refresh();
  }

  async showMoment(moment) {
    (await this.#explainer)?.showMoment(moment);
  }
}

/** Return the explainer, or null after showing an error. */
async function fetchExplainer(elements, options) {
  try {
    const [{ attachExplainer }] = await Promise.all([import("./panel.js"), options.session.loadModel()]);
    return attachExplainer(elements, options);
  } catch (error) {
    elements.unit.textContent = `The network could not be loaded. ${error.message}`;
    elements.details.querySelector("div").textContent = "Close and open this panel to retry.";
    return null;
  }
}
