/** A mistake in a config. Without the frames of `from`, so that the first one is the config's own. The SDK shows it without its name. */
export const misuse = (message: string, from: (...args: ReadonlyArray<never>) => unknown): TypeError => {
  const error = Object.assign(new TypeError(message), { name: "ConfigMisuse" })
  Error.captureStackTrace(error, from)
  return error
}
