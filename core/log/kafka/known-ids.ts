const noId = /^[0-]*$/;

/** The ids that topics have had, by which one that was made anew is told from the one before it. */
export class KnownIds {
  readonly #current = new Map<string, string>();
  readonly #past = new Set<string>();

  /** Whether topics have ids at all. */
  get any(): boolean {
    return this.#current.size > 0;
  }

  /**
   * Whether the topic is another than the one that was known under its name. An id that it had before comes from a broker whose metadata is
   * old, and zeros from one that gives no ids yet, as during an upgrade: neither means that the topic was made anew.
   */
  isRemade(topic: string, id: string): boolean {
    if (noId.test(id) || this.#past.has(id)) return false;
    const before = this.#current.get(topic);
    this.#current.set(topic, id);
    if (before === undefined || before === id) return false;
    this.#past.add(before);
    return true;
  }
}
