export interface Address {
  host: string;
  port: number;
}

const portDefault = 6379;

/**
 * Where a server may be met: the addresses that were named, and those that a cluster tells of. The one that served last
 * is tried first, or the one that a cluster pointed to; each that cannot be reached gives way to the next, round and round.
 */
export class Nodes {
  readonly #named: readonly Address[];
  #told: readonly Address[] = [];
  #first: Address | undefined;
  #attempts = 0;
  #current: Address;

  /** @param named at least one */
  constructor(named: readonly [Address, ...Address[]]) {
    this.#named = named;
    this.#current = named[0];
  }

  /** The one to connect to now. */
  next(): Address {
    const order: Address[] = [];
    for (const address of [this.#first, ...this.#named, ...this.#told]) {
      if (address && !order.some((other) => isSame(other, address))) order.push(address);
    }
    this.#current = order[this.#attempts++ % order.length] as Address;
    return this.#current;
  }

  /** The one that next() gave last is met. */
  met(): void {
    this.prefer(this.#current);
  }

  prefer(address: Address): void {
    this.#first = address;
    this.#attempts = 0;
  }

  /** All that a cluster knows; replaces what it told before. */
  tell(addresses: readonly Address[]): void {
    this.#told = addresses;
  }

  /**
   * Where `MOVED <slot> <host>:<port>` points to; undefined for any other text. A cluster that does not know a name for a
   * node leaves the host out: then it is the one that was asked (Redis Cluster specification, MOVED Redirection).
   */
  movedTo(error: string): Address | undefined {
    const found = /^MOVED \d+ (.*):(\d+)$/.exec(error);
    if (!found) return undefined;
    return { host: this.#host(found[1]), port: Number(found[2]) };
  }

  /** Of the answer to CLUSTER SLOTS: who serves each range, and their replicas. */
  inSlots(answer: readonly (readonly unknown[])[]): Address[] {
    return answer.flatMap(([, , ...nodes]) =>
      (nodes as [string | null, number][]).map(([host, port]) => ({ host: this.#host(host), port })),
    );
  }

  #host(told: string | null | undefined): string {
    return told ? told : this.#current.host;
  }
}

/** Host and port of `redis://` and `rediss://` URLs, one or several with commas between them. @throws TypeError for no URL */
export function addressesOf(urls: string): [Address, ...Address[]] {
  return urls.split(',').map((text) => {
    const { hostname, port } = new URL(text.trim());
    return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? portDefault : Number(port) };
  }) as [Address, ...Address[]];
}

function isSame(one: Address, other: Address): boolean {
  return one.host === other.host && one.port === other.port;
}
