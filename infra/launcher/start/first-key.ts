import { AdminApiError, type AdminClient, type CreatedKey } from '../admin-client.ts';

const team = 'engineering';
const name = 'first-key';

/**
 * Makes the first start's key, for team engineering. Undefined where the configuration has no such team, or the key was
 * made before (the home folder's note of it got lost).
 */
export async function makeFirstKey(admin: AdminClient): Promise<string | undefined> {
  try {
    return (await admin.json<CreatedKey>('/api/keys', { method: 'POST', json: { team, name } })).key;
  } catch (error) {
    if (error instanceof AdminApiError && [400, 404, 409].includes(error.status)) return undefined;
    throw error;
  }
}
