import { Generations } from './generations.ts';

/** A dispatch that was disowned may still be on its way; two minutes are far more than any message lives. */
const disownedMs = 120_000;
/** Pipeline asks again within two seconds; later nobody asks for an ended request. */
const endedMs = 10_000;
const rememberedMax = 100_000;

/** Which requests are this replica's, and which must never become so: no request may reach a provider twice. */
export class Claims {
  readonly #owned = new Set<string>();
  readonly #ended = new Generations(endedMs, rememberedMax);
  readonly #disowned = new Generations(disownedMs, rememberedMax);

  own(requestId: string): void {
    this.#owned.add(requestId);
  }

  ended(requestId: string, nowMs: number): void {
    this.#owned.delete(requestId);
    this.#ended.add(requestId, nowMs);
  }

  /** Pipeline was told, by silence, that the first dispatch came to nothing here. */
  disown(requestId: string, nowMs: number): void {
    this.#disowned.add(requestId, nowMs);
  }

  isOurs(requestId: string, nowMs: number): boolean {
    return this.#owned.has(requestId) || this.#ended.has(requestId, nowMs);
  }

  /** @param dispatch the second one exists only because the first was disowned, so only the first can be stale */
  judge(requestId: string, dispatch: number, nowMs: number): 'new' | 'repeated' | 'disowned' {
    if (this.isOurs(requestId, nowMs)) return 'repeated';
    return dispatch === 1 && this.#disowned.has(requestId, nowMs) ? 'disowned' : 'new';
  }
}
