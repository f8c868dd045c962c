import { type BackgroundStore, type Bus, type BusSubscription, subjects } from '@tollgate/bus';
import { BackgroundFind, BackgroundFound, BackgroundRoom, encode } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import type { Records } from '../../adapters/background/records.ts';
import { hasRoom } from '../../domain/background/room.ts';

export interface QuestionsDependencies {
  bus: Bus;
  store: Pick<BackgroundStore, 'use'>;
  records: Pick<Records, 'state'>;
  logger: Logger;
  now(): number;
}

/** The queue is looked at so often at most, however many ask. */
const lookedAtEveryMs = 500;

/** Answers what pipelines ask of the background. Without an answer they refuse. */
export class Questions {
  readonly #dependencies: QuestionsDependencies;
  #room: { free: Promise<boolean>; untilMs: number } | undefined;

  constructor(dependencies: QuestionsDependencies) {
    this.#dependencies = dependencies;
  }

  start(): BusSubscription[] {
    const { bus, logger } = this.#dependencies;
    const answer = (subject: string, work: (bytes: Uint8Array) => Promise<Uint8Array>) =>
      bus.subscribe(
        subject,
        (bytes, reply) => {
          work(bytes).then(
            (said) => bus.reply(reply, said),
            (error: unknown) => logger.warn({ err: error, subject }, 'a question of the background has no answer'),
          );
        },
        { queue: 'upstream' },
      );
    return [
      answer(subjects.backgroundRoom, async () => encode(BackgroundRoom, { free: await this.#free() })),
      answer(subjects.backgroundFind, async (bytes) => {
        const { requestId } = BackgroundFind.decode(bytes);
        const found = await this.#dependencies.records.state(requestId);
        const { status, keptAs } = found?.state ?? { status: '', keptAs: '' };
        return encode(BackgroundFound, { status, keptAs });
      }),
    ];
  }

  #free(): Promise<boolean> {
    const { store, now } = this.#dependencies;
    if (!this.#room || this.#room.untilMs <= now()) {
      this.#room = { free: store.use().then(hasRoom), untilMs: now() + lookedAtEveryMs };
      this.#room.free.catch(() => {
        this.#room = undefined;
      });
    }
    return this.#room.free;
  }
}
