/** A request that was refused before a model was chosen has none. */
export const groupName = (name: string): string => (name === '' ? 'no model' : name);
