// By path and not by the package's name: nothing is installed yet when this runs.
// @boundaries-ignore node_modules may still be missing
export { cacheFolder, repositoryFolder } from '../../engines/host/cache-folder.mjs';
// @boundaries-ignore node_modules may still be missing
export { withLock } from '../../engines/host/lock.mjs';
// @boundaries-ignore node_modules may still be missing
export { npm, npmPack } from '../../engines/host/npm.mjs';
// @boundaries-ignore node_modules may still be missing
export { say, startProgress } from '../../engines/host/progress.mjs';
