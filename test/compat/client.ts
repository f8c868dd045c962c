/** Where a client is pointed, and with what. */
export interface Place {
  url: string;
  apiKey: string;
  /** Repeats at most; left out: as its makers have it. */
  retries?: number;
}

/** What a test does while a stream is read. */
interface Listening {
  signal?: AbortSignal;
  /** Called with each piece of text. */
  heard?(text: string): void;
}

/** An official client with one form of base URL, changed in nothing else. */
export interface Client {
  name: string;
  json(place: Place, prompt: string, signal?: AbortSignal): Promise<string>;
  /** Resolves with the whole text; rejects when the client says that the stream broke or was left. */
  stream(place: Place, prompt: string, listening?: Listening): Promise<string>;
  embed?(place: Place, texts: string[]): Promise<number[][]>;
  /** The paths that it asks for. */
  path: RegExp;
  /** Whose simulator answers it. */
  provider: 'azure' | 'anthropic';
  /** How its makers let it take refusals: how often it asks in all, and by which class it tells. */
  habits: Habits;
}

export interface Habits {
  /** 429 that says `x-should-retry: false`. */
  budget: number;
  /** 502, with nothing sent before. */
  badGateway: number;
  raises: Record<Refusal, (error: unknown) => boolean>;
}

type Refusal = 'budget' | 'rateLimit' | 'providersRate' | 'badRequest' | 'wrongKey' | 'badGateway' | 'broken' | 'left';

/** The context of the demo's proxy. */
export const context = 'enterprise-llm-proxy';
/** Any does. */
export const apiVersion = '2025-04-01-preview';
export const gpt = 'gpt-4o';
export const embedder = 'text-embedding-3-small';
/** How often those may repeat that do so with growing waits, whatever they are told: less than by default. */
export const maxRetries = 1;

/** Exactly these paths, each below the base. */
export function paths(base: string, below: string): RegExp {
  return new RegExp(`^${base}(${below})$`);
}
