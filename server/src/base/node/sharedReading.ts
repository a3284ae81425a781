/**
 * Shares one reading among the calls that wait for it. Each call gets a reading that began after the call, and at most
 * one runs at a time: a thousand callers cause two readings, not a thousand.
 */
export const sharedReading = <A>(read: () => Promise<A>): (() => Promise<A>) => {
  let running: Promise<unknown> | undefined
  let next: Promise<A> | undefined
  return () => {
    next ??= (async () => {
      await running?.catch(() => undefined)
      running = next
      next = undefined
      return read()
    })()
    return next
  }
}
