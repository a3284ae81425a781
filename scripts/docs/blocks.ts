/** A block of code in a page, and the file that the sentence before it names. */
export interface Block {
  readonly language: string
  readonly text: string
  readonly file: string | undefined
}

export const blocksOf = (markdown: string): ReadonlyArray<Block> =>
  markdown.split(/^```/m).flatMap((part, index, parts) => {
    if (index % 2 === 0) return []
    const [language = "", ...lines] = part.split("\n")
    const before = parts[index - 1]?.trimEnd().split("\n").at(-1) ?? ""
    const named = [...before.matchAll(/`([\w.-]+\.(?:ts|yaml|json))`/g)].at(-1)?.[1]
    return [{ language, text: lines.join("\n"), file: before.endsWith(":") ? named : undefined }]
  })
