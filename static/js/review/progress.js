/** The progress of a review with an estimate of the remaining time. */

// The estimate uses the latest cards: reviewers become faster.
const LATEST = 20;
const FIRST_ESTIMATE = 3;

export class Progress {
  #durations = [];
  #last;

  /** @param total the number of digits to label, and whether there are more than that */
  constructor(total, isTruncated, now) {
    Object.assign(this, { total, isTruncated });
    this.#last = now;
  }

  /** Count the time since the previous card, in milliseconds. */
  add(now) {
    this.#durations = [...this.#durations, now - this.#last].slice(-LATEST);
    this.#last = now;
  }

  /** Return for example "12 of 340, about 6 minutes"; "" without digits to label. */
  text(labeled) {
    if (this.total === 0) return "";
    const total = this.total.toLocaleString("en");
    const text = this.isTruncated
      ? gettext("%(labeled)s of %(total)s or more")
      : gettext("%(labeled)s of %(total)s");
    const count = interpolate(text, { labeled, total }, true);
    const remaining = Math.max(this.total - labeled, 0);
    if (this.#durations.length < FIRST_ESTIMATE || remaining === 0) return count;
    const sorted = this.#durations.toSorted((one, other) => one - other);
    const median = sorted[Math.floor(sorted.length / 2)];
    const minutes = Math.max(Math.round((remaining * median) / 60_000), 1);
    const estimate = ngettext(
      "%(count)s, about %(minutes)s minute",
      "%(count)s, about %(minutes)s minutes",
      minutes,
    );
    return interpolate(estimate, { count, minutes }, true);
  }
}
