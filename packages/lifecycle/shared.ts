/** One instance of each class, made when it is first asked for. */
export class Shared {
  readonly #instances = new Map<new () => unknown, unknown>();

  of<T>(type: new () => T): T {
    let instance = this.#instances.get(type);
    if (instance === undefined) {
      instance = new type();
      this.#instances.set(type, instance);
    }
    return instance as T;
  }
}
