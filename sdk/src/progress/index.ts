/** Prints a deploy's progress. Without the client, so that programs start fast. */
export { type ProgressOptions, renderProgress } from "./renderProgress.ts"
export { elapsed, integerBytes, linesOf, printable } from "./text.ts"
