import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Block, blocksOf } from "./blocks.ts"

const root = join(import.meta.dirname, "../..")

/** Every page of the project except the decisions, which describe the past and not commands to type. */
export const pages: ReadonlyArray<string> = globSync(["*.md", "docs/**/*.md", "examples/**/*.md", "*/README.md"], {
  cwd: root,
  exclude: (path) => /node_modules|\.vitepress|\[|docs\/decisions|CHANGELOG/.test(path)
}).sort()

export interface PageBlock extends Block {
  readonly page: string
}

export const blocksOfPages = (languages: RegExp): ReadonlyArray<PageBlock> =>
  pages.flatMap((page) =>
    blocksOf(readFileSync(join(root, page), "utf8"))
      .filter(({ language }) => languages.test(language))
      .map((block) => ({ ...block, page }))
  )

export const placeOf = ({ line, page }: PageBlock) => `${page}:${line}`
