import { type Bus, subjects } from '@tollgate/bus';
import { BackgroundFind, BackgroundFound, BackgroundRoom, encode } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';

/** Two calls of JetStream; longer, and it is as good as away. */
const timeoutMs = 2000;
const nothing = new Uint8Array(0);

/** What is asked of the upstreams about requests in the background: nobody else knows. */
export class Background {
  readonly #bus: Pick<Bus, 'request'>;

  constructor(bus: Pick<Bus, 'request'>) {
    this.#bus = bus;
  }

  /** Before anything is reserved. @throws TollgateError `overloaded` when the queue or its store is full */
  async expectRoom(): Promise<void> {
    const { free } = BackgroundRoom.decode(await this.#bus.request(subjects.backgroundRoom, nothing, timeoutMs));
    if (free) return;
    const message = 'Too many requests wait in the background. Send it again later, or without "background".';
    throw new TollgateError('overloaded', { message, retryAfterMs: 5000, internal: 'the background is full' });
  }

  /**
   * The id under which what a request made in the background can be gone on from.
   * @throws TollgateError `previous_response_not_found` when there is none, or none yet
   */
  async keptAs(requestId: string): Promise<string> {
    const asked = encode(BackgroundFind, { requestId });
    const { status, keptAs } = BackgroundFound.decode(
      await this.#bus.request(subjects.backgroundFind, asked, timeoutMs),
    );
    if (keptAs !== '') return keptAs;
    const why = status === '' ? 'It is not kept any more.' : `It is ${status.replace('_', ' ')}.`;
    const message = `The previous response cannot be gone on from. ${why}`;
    throw new TollgateError('previous_response_not_found', { message, param: 'previous_response_id' });
  }
}
