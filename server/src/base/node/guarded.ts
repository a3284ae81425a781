/** Handles a callback's exception: ends the one exchange that the callback was for, and reports it. */
export type Fault = (cause: unknown) => void

/**
 * Wraps callbacks that an emitter, a timer or a promise calls. Nobody can catch an exception of such a callback, so Node
 * ends the process (`uncaughtException`). Here it goes to `fault`, so that one exchange ends and all others continue.
 * Exceptions of `fault` are dropped.
 */
export const guardedBy =
  (fault: Fault) =>
  <A extends ReadonlyArray<unknown>>(callback: (...values: A) => void) =>
  (...values: A): void => {
    try {
      callback(...values)
    } catch (cause) {
      trying(() => fault(cause))
    }
  }

/** Runs something that may fail when nobody is left to hear about it. */
export const trying = (action: () => void): void => {
  try {
    action()
  } catch {}
}
