export function npm(args: string[], options?: { cwd?: string }): Promise<string>;
export function npmPack(wanted: { name: string; version: string; integrity: string }, folder: string): Promise<string>;
