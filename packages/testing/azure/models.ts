import type { Deployment } from './deployments.ts';

const CREATED_AT = 1_732_060_800;
const RETIRES_AT = 1_798_761_600;

/** One entry of the model list. Azure lists models by version; the simulator lists those behind its deployments. */
function modelEntry(deployment: Deployment): object {
  const chat = deployment.task === 'chat';
  return {
    id: deployment.model,
    object: 'model',
    created: CREATED_AT,
    owned_by: 'system',
    status: 'succeeded',
    created_at: CREATED_AT,
    updated_at: CREATED_AT,
    capabilities: { fine_tune: false, inference: true, completion: false, chat_completion: chat, embeddings: !chat },
    lifecycle_status: 'generally-available',
    deprecation: { inference: RETIRES_AT },
  };
}

export function modelList(deployments: Iterable<Deployment>): object {
  const byId = new Map([...deployments].map((deployment) => [deployment.model, modelEntry(deployment)]));
  return { object: 'list', data: [...byId.values()] };
}

export function findModel(deployments: Iterable<Deployment>, id: string): object | undefined {
  const found = [...deployments].find((deployment) => deployment.model === id || deployment.name === id);
  return found && modelEntry(found);
}
