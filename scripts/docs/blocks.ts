/** A block of code in a page. */
export interface Block {
  readonly language: string
  readonly text: string
  /** The file named in the sentence before the block. */
  readonly file: string | undefined
  /** Why it isn't run, from the line above it: `<!-- no-run: needs a cluster -->`. */
  readonly noRun: string | undefined
  /** The folder to run it in, from the line above it: `<!-- in: shop -->`. @default the page's own */
  readonly folder: string | undefined
  /** Its first line in the page. */
  readonly line: number
}

export const blocksOf = (markdown: string): ReadonlyArray<Block> => {
  // Blocks in a list are indented.
  const parts = markdown.split(/^ {0,3}```/m)
  let line = 1
  return parts.flatMap((part, index) => {
    const begins = line
    line += part.split("\n").length - 1
    if (index % 2 === 0) return []
    const [language = "", ...lines] = part.split("\n")
    const before = parts[index - 1]?.trimEnd().split("\n").at(-1) ?? ""
    const named = [...before.matchAll(/`([\w.-]+\.(?:ts|yaml|json))`/g)].at(-1)?.[1]
    return [
      {
        language,
        text: lines.join("\n"),
        file: before.endsWith(":") ? named : undefined,
        noRun: /^<!-- no-run: (.+) -->$/.exec(before)?.[1],
        folder: /^<!-- in: (\S+) -->$/.exec(before)?.[1],
        line: begins
      }
    ]
  })
}
