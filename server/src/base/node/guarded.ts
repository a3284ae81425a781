/** Takes what a callback threw: ends the one exchange that the callback was for, and tells of it. */
export type Fault = (cause: unknown) => void

/**
 * Wraps callbacks that an emitter, a timer or a promise calls. Node hands what such a callback throws to nobody, and the process ends
 * (`uncaughtException`). Wrapped, it goes to `fault`, so one exchange ends and all others go on. What `fault` throws is dropped.
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

/** Does something that may fail, where nobody is left to be told. */
export const trying = (action: () => void): void => {
  try {
    action()
  } catch {}
}
