const bytes = 4_096

/** The last 4 KiB of an output. */
export const makeOutputTail = (encoding: "latin1" | "utf8") => {
  let text = ""
  return {
    add: (chunk: Buffer): void => {
      text = (text + chunk.subarray(-bytes).toString(encoding)).slice(-bytes)
    },
    text: (): string => text
  }
}
