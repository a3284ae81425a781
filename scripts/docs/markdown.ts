import { slug } from "github-slugger"

const fence = /^```[\s\S]*?^```$/gm

/** The Markdown without fenced blocks and comments. */
const proseOf = (markdown: string) => markdown.replace(fence, "").replace(/<!--[\s\S]*?-->/g, "")

const plain = (text: string) =>
  text
    .replace(/`([^`]*)`/g, "$1")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\*\*?([^*]+)\*\*?/g, "$1")
    .trim()

/** The text of a page's headings, in their order. */
export const headingsOf = (markdown: string): ReadonlyArray<string> =>
  [...proseOf(markdown).matchAll(/^#{1,6} (.+)$/gm)].map((match) => plain(match[1] ?? ""))

/** The anchors (`#…`) of a page, as GitHub makes them. The site is configured to make the same. */
export const anchorsOf = (markdown: string): ReadonlySet<string> => {
  const seen = new Map<string, number>()
  return new Set(
    headingsOf(markdown).map((heading) => {
      const anchor = slug(heading)
      const before = seen.get(anchor) ?? 0
      seen.set(anchor, before + 1)
      return before === 0 ? anchor : `${anchor}-${before}`
    })
  )
}

/** The targets of a page's links and images, as written. */
export const linksOf = (markdown: string): ReadonlyArray<string> => [
  ...[
    ...proseOf(markdown)
      .replace(/`[^`\n]*`/g, "")
      .matchAll(/\]\(([^)\s]+)[^)]*\)/g)
  ].map((match) => match[1] ?? ""),
  ...[...proseOf(markdown).matchAll(/\b(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "")
]

/** The blocks below a page's title: paragraphs, lists, tables and whole fences. */
export const firstBlocksOf = (markdown: string): ReadonlyArray<string> => {
  const below = markdown.slice(markdown.search(/^# /m)).replace(/^# .*\n/, "")
  const fences: Array<string> = []
  return below
    .replace(fence, (text) => `\n\n\0${fences.push(text) - 1}\n\n`)
    .split(/\n{2,}/)
    .map((block) => block.trim())
    .filter((block) => block !== "" && !/^<!--[\s\S]*-->$/.test(block))
    .map((block) => (block.startsWith("\0") ? (fences[Number(block.slice(1))] ?? "") : block))
}
