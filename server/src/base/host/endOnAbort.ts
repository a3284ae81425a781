/** The exit code of a process that its user stopped a second time, during its cleanup. */
const abortCode = 130

const children = new Map<number, NodeJS.Signals>()

const endAll = (code: number) => {
  if (code !== abortCode) return
  for (const [target, signal] of children) {
    try {
      process.kill(target, signal)
    } catch {
      // It exited by itself.
    }
  }
}

/**
 * Sends a signal to a process (or, with a negative number, to its group) if this process exits with 130 before the other
 * has ended: these children have sessions of their own, so nothing else would stop them. Call the returned function once
 * the process has ended.
 */
export const endOnAbort = (target: number, signal: NodeJS.Signals): (() => void) => {
  if (children.size === 0) process.on("exit", endAll)
  children.set(target, signal)
  return () => {
    children.delete(target)
    if (children.size === 0) process.off("exit", endAll)
  }
}
