/** Loads the explainer and the model: after the page, so that the first load stays small. */
export class ExplainerLoader {
  #elements;
  #options;
  #explainer = null;

  /**
   * @param {{details: HTMLDetailsElement}} elements as for `attachExplainer`
   * @param {{session: import("../recognize/session.js").Session}} options as for `attachExplainer`, and
   *   the session that loads the model
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
    const loading = this.#explainer;
    const explainer = await loading;
    const { recognizer } = this.#options.session;
    // The server has promoted another model.
    if (explainer && recognizer && recognizer !== explainer.recognizer) {
      // Several refreshes may wait for the same explainer; the first one replaces it.
      if (this.#explainer === loading) {
        explainer.detach();
        this.#explainer = null;
      }
      return this.load();
    }
    return explainer?.refresh();
  }

  /** Show a moment of the drawing time; null shows the present. */
  async showMoment(moment) {
    (await this.#explainer)?.showMoment(moment);
  }

  async #fetch() {
    const { session } = this.#options;
    try {
      const [{ attachExplainer }] = await Promise.all([import("./panel.js"), session.loadModel()]);
      return attachExplainer(this.#elements, session.recognizer, this.#options);
    } catch (error) {
      this.#elements.unit.textContent = `The network could not be loaded. ${error.message}`;
      this.#elements.details.querySelector("div").textContent = "Close and open this panel to retry.";
      return null;
    }
  }
}
