import { RequestStatus, type UsageEvent } from '@tollgate/contracts';
import { Percentile90 } from './percentile.ts';

const modelsMax = 1000;
/** A token of a text is at least a byte, and of a body with an image hundreds: the parts that are told apart. */
const partsOfToken = 10_000;

interface Measures {
  completionTokens: Percentile90;
  partsPerByte: Percentile90;
}

/**
 * What requests to each model really used, from the usage that this replica settles (its share of all, so a sample): nine of
 * ten use at most that. In memory: after a start defaults serve until there are enough.
 */
export class ModelMeasures {
  readonly #measures = new Map<string, Measures>();

  learn(event: UsageEvent): void {
    if (event.status !== RequestStatus.COMPLETED || event.estimated || event.model === '') return;
    let measures = this.#measures.get(event.model);
    if (!measures) {
      if (this.#measures.size >= modelsMax) return;
      measures = { completionTokens: new Percentile90(), partsPerByte: new Percentile90() };
      this.#measures.set(event.model, measures);
    }
    measures.completionTokens.add(event.served?.completion ?? 0);
    const bodyBytes = event.receipt?.bodyBytes ?? 0;
    if (bodyBytes > 0) measures.partsPerByte.add(((event.served?.prompt ?? 0) / bodyBytes) * partsOfToken);
  }

  /** Tokens of an answer, of the most talkative of these models; undefined while one of them was not seen often enough. */
  completionTokens(models: readonly string[]): number | undefined {
    return this.#highest(models, ({ completionTokens }) => completionTokens);
  }

  /** Tokens of the prompt for each byte of the body; of several models the most, undefined as above. */
  promptTokensPerByte(models: readonly string[]): number | undefined {
    const parts = this.#highest(models, ({ partsPerByte }) => partsPerByte);
    return parts === undefined ? undefined : parts / partsOfToken;
  }

  #highest(models: readonly string[], of: (measures: Measures) => Percentile90): number | undefined {
    let highest: number | undefined;
    for (const model of models) {
      const known = this.#measures.get(model);
      const value = known && of(known).value;
      if (value === undefined) return undefined;
      if (highest === undefined || value > highest) highest = value;
    }
    return highest;
  }
}
