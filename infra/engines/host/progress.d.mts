export interface Progress {
  done(note?: string): void;
  failed(note?: string): void;
}
export function readableSize(bytes: number): string;
export function say(text: string): void;
export function startProgress(name: string, options?: { bytes?: number }): Progress;
