/** A number of bytes for people, in a suitable unit. */
export const integerBytes = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
  return `${Math.round((bytes / 1024 ** 3) * 100) / 100} GiB`
}

/**
 * Makes somebody else's line safe for a terminal: removes control characters, which could move the cursor, set the title or color what
 * follows, and those that change the direction of the text around them (Unicode: Bidi_Control). `keep` may keep a color.
 */
export const printable = (line: string, keep: (colour: string) => string = () => ""): string =>
  line.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    /(\u001b\[[0-9;]*m)|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-?]*[ -/]*[@-~]|[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (_, colour: string | undefined) => (colour === undefined ? "" : keep(colour))
  )

/** The lines of somebody else's text, each `printable`. Lines after the first are indented, so that none looks like one of ours. */
export const linesOf = (text: string, indent = "    "): ReadonlyArray<string> => {
  const [first = "", ...rest] = text.trimEnd().split(/\r?\n/)
  return [printable(first), ...rest.map((value) => `${indent}${printable(value)}`)]
}

/** `90 s` as `1m30s`, for people. */
export const elapsed = (milliseconds: number): string => {
  if (milliseconds < 10_000) return `${(Math.max(0, milliseconds) / 1000).toFixed(1)}s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`
}
