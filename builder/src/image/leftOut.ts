/** Caches and records of tools that a program doesn't need, and that differ between two builds of the same source: times, and paths of this machine. */
const left: ReadonlyArray<RegExp> = [
  /(^|\/)node_modules\/\.(cache|vite|vite-temp|modules\.yaml|pnpm-workspace-state[^/]*)$/,
  /(^|\/)\.next\/(trace|cache\/(webpack|swc|\.tsbuildinfo))$/
]

export const isLeftOut = (path: string) => left.some((pattern) => pattern.test(path))

/** Whether an entry belongs to the dependencies, which change less often than the code. */
export const isDependency = (path: string) => /(^|\/)(node_modules|\.venv|\.maxcloud\/deno)(\/|$)/.test(path)
