/** A mistake in a config. Omits the frames of `from`, so that the first frame is the config's. The SDK shows it without the error's name. */
export const misuse = (message: string, from: (...args: ReadonlyArray<never>) => unknown): TypeError => {
  const error = Object.assign(new TypeError(message), { name: "ConfigMisuse" })
  Error.captureStackTrace(error, from)
  return error
}
