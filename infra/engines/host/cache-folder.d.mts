export const repositoryFolder: string;
export function cacheFolder(env?: NodeJS.ProcessEnv): string;
