/** What of a body does not stand in it, so that its size does not bound what the model reads or what it costs. */
export interface InputParts {
  images: number;
  files: number;
  /** Of the body: their data at least, which is no text. */
  dataBytes: number;
  /** The first member that has no bound at all; empty = none. */
  unbounded: string;
}
