/** What stands in for a credential: the key (undefined: the endpoint needs none), or why there is none. */
export type Key = KnownKey | { missing: string };

export interface KnownKey {
  key: string | undefined;
  /** Another one for each value that there was: what a call used is told by it, without the key. */
  version: number;
}

/** How a credential stands: good; kept = the last good value is used, for there is no newer one to be had; missing. */
export type Standing = 'good' | 'kept' | 'missing';

/** Where a credential comes from, and what is known of it. Several providers may share one. */
export interface KeySource {
  /** For logs and readiness: a reference, never a value. */
  readonly name: string;
  readonly standing: Standing;
  /** Why it is kept or missing, without a value; empty while it is good. */
  readonly why: string;
  /** At once, but while the first value is on its way. Never rejects. */
  find(): Key | Promise<Key>;
  /** Looks for a newer value where that is due. Never rejects. */
  check(): Promise<void>;
  /**
   * A provider refused the value of this version: looks once whether there is a newer one.
   * @returns whether there is. Never rejects
   */
  renew(version: number): Promise<boolean>;
}
