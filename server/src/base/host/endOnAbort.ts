/** The exit code of a process that its user ended a second time, while it was tidying up. */
const abortCode = 130

const children = new Map<number, NodeJS.Signals>()

const endAll = (code: number) => {
  if (code !== abortCode) return
  for (const [target, signal] of children) {
    try {
      process.kill(target, signal)
    } catch {
      // It ended by itself.
    }
  }
}

/**
 * Sends a signal to a process (or, by a negative number, to its group) if this process exits with 130 before it has ended that one: these
 * children have sessions of their own, so nothing else would end them. Call what it returns once the process has ended.
 */
export const endOnAbort = (target: number, signal: NodeJS.Signals): (() => void) => {
  if (children.size === 0) process.on("exit", endAll)
  children.set(target, signal)
  return () => {
    children.delete(target)
    if (children.size === 0) process.off("exit", endAll)
  }
}
