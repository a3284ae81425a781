/** A block of code in a page. */
export interface Block {
  readonly language: string
  readonly text: string
  /** The file that the sentence before it names. */
  readonly file: string | undefined
  /** Why it isn't run: `<!-- no-run: needs a cluster -->` stands above it. */
  readonly noRun: string | undefined
  /** The folder that it's run in: `<!-- in: shop -->` stands above it. @default the page's own */
  readonly folder: string | undefined
  /** The line of the page that it begins on. */
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
