import { type Bus, subjects } from '@tollgate/bus';
import { BackgroundAsk, encode } from '@tollgate/contracts';
import { toErrorDetail } from '@tollgate/errors';

/** A replica that runs it answers at once; longer, and it is as good as dead. */
const timeoutMs = 1000;

/** Asks all upstreams for the one that runs a request in the background. */
export class Asks {
  readonly #bus: Pick<Bus, 'request' | 'subscribe' | 'reply'>;

  constructor(bus: Pick<Bus, 'request' | 'subscribe' | 'reply'>) {
    this.#bus = bus;
  }

  /** @param hold whether it runs here; with `cancel` it is to end */
  answer(hold: (requestId: string, cancel: boolean) => boolean): void {
    this.#bus.subscribe(subjects.backgroundAsk, (bytes, reply) => {
      const { requestId, cancel } = BackgroundAsk.decode(bytes);
      if (hold(requestId, cancel)) this.#bus.reply(reply);
    });
  }

  /**
   * Whether one says that it runs it. With `cancel` it ends it.
   * @throws TollgateError `bus_unavailable`: then nobody knows
   */
  async isRun(requestId: string, cancel: boolean): Promise<boolean> {
    try {
      await this.#bus.request(subjects.backgroundAsk, encode(BackgroundAsk, { requestId, cancel }), timeoutMs);
      return true;
    } catch (error) {
      if (toErrorDetail(error).code === 'bus_unavailable') throw error;
      return false;
    }
  }
}
