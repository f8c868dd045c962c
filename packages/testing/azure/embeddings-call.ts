import { type Call, Refusal } from './call.ts';
import { disturb } from './disturb.ts';
import { embeddingInputs, embeddingList, embeddingUsage } from './embeddings.ts';
import { answerPace } from './play.ts';
import { sendResult } from './result.ts';
import { embeddingsProblem } from './validate.ts';

export async function answerEmbeddings(call: Call): Promise<void> {
  const { core, exchange, deployment, body } = call;
  await disturb(call, undefined);
  const problem = embeddingsProblem(body);
  if (problem) throw new Refusal(problem);

  const inputs = embeddingInputs(body.input);
  const usage = await embeddingUsage(inputs);
  core.quotas.charge(deployment, usage.totalTokens);
  await answerPace(call, usage);
  await sendResult(exchange, embeddingList(deployment.model, inputs, body, usage), usage);
}
