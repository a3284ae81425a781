import { spawnSync } from "node:child_process"
import { existsSync, globSync, readFileSync, statSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { parse } from "@babel/parser"
import { assert, describe, expect, it } from "@effect/vitest"
import { parse as parseToml } from "smol-toml"
import { parseAllDocuments } from "yaml"
import { blocksOf } from "./blocks.ts"
import { requestsIn } from "./checkSite.ts"
import { anchorsOf, firstBlocksOf, linksOf } from "./markdown.ts"
import { linksIn, makeSidebar } from "./sidebar.ts"
import { onSite, rootPages, siteLink } from "./siteLinks.ts"

const root = join(import.meta.dirname, "../..")
const pages = globSync(["*.md", "docs/**/*.md", "examples/**/*.md", "*/README.md"], {
  cwd: root,
  exclude: (value) => /node_modules|\.vitepress|\[/.test(value)
}).sort()
const textOf = (page: string) => readFileSync(join(root, page), "utf8")

/** Links that work only on GitHub. */
const onGitHub = new Set(["../../security/advisories/new"])

const linkFault = (page: string, href: string): string | undefined => {
  if (/^(?:https:|mailto:)/.test(href) || onGitHub.has(href)) return undefined
  if (/^[a-z]+:/.test(href)) return "isn't https"
  const [path = "", anchor] = href.split("#")
  // The site serves `public` at its root, and index.md may link its pages that way too.
  const target = path.startsWith("/")
    ? [`docs/public${path}`, `docs${path}.md`, `docs${path}`]
        .map((value) => join(root, value))
        .find((value) => existsSync(value))
    : path === ""
      ? join(root, page)
      : join(root, dirname(page), path)
  if (target === undefined || !existsSync(target)) return "leads to no file"
  if (statSync(target).isDirectory() && !existsSync(join(target, "README.md")))
    return "leads to a folder without a README.md"
  if (anchor === undefined || anchorsOf(readFileSync(target, "utf8")).has(anchor)) return undefined
  return `leads to no heading of ${relative(root, target)}`
}

const script = (text: string) =>
  parse(text, { sourceType: "module", plugins: ["typescript"], allowReturnOutsideFunction: true })

const shell = (text: string) => {
  const { status, stderr } = spawnSync("bash", ["-n"], { input: text, encoding: "utf8" })
  if (status !== 0) throw new Error(stderr)
}

/** How to parse a block of each language. Undefined: it's only shown. */
const readers: Readonly<Record<string, ((text: string) => unknown) | undefined>> = {
  ts: script,
  js: script,
  json: JSON.parse,
  yaml: (text) => {
    for (const document of parseAllDocuments(text)) if (document.errors.length > 0) throw document.errors[0]
  },
  toml: parseToml,
  sh: shell,
  console: undefined,
  diff: undefined,
  sql: undefined,
  python: undefined,
  go: undefined,
  dockerfile: undefined,
  text: undefined
}

const blockFault = ({ language, text }: { readonly language: string; readonly text: string }): string | undefined => {
  if (!Object.hasOwn(readers, language))
    return `the language "${language}" isn't one of: ${Object.keys(readers).join(", ")}`
  try {
    readers[language]?.(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe("the pages of the documentation", () => {
  it("link to files and headings that exist", () => {
    expect(pages.length).toBeGreaterThan(60)
    const links = pages.flatMap((page) => linksOf(textOf(page)).map((href) => ({ page, href })))
    expect(links.length).toBeGreaterThan(100)
    expect(
      links.flatMap(({ page, href }) => {
        const fault = linkFault(page, href)
        return fault === undefined ? [] : [`${page}: ${href} ${fault}`]
      })
    ).toStrictEqual([])
  })

  it("have code blocks that are valid in their language", () => {
    const faults = pages.flatMap((page) =>
      blocksOf(textOf(page)).flatMap((block) => {
        const fault = blockFault(block)
        return fault === undefined ? [] : [`${page}: ${fault}\n${block.text}`]
      })
    )
    expect(faults).toStrictEqual([])
  })

  it("begin with a command or a picture, after at most one paragraph", () => {
    const guides = pages.filter((page) => /^docs\/[\w-]+\.md$/.test(page) && page !== "docs/index.md")
    expect(
      guides.filter(
        (page) =>
          !firstBlocksOf(textOf(page))
            .slice(0, 2)
            .some((value) => /^(?:```|!\[)/.test(value))
      )
    ).toStrictEqual([])
  })

  it("are in the sidebar exactly once", () => {
    const shown = linksIn(makeSidebar())
    const own = pages
      .filter((page) => page.startsWith("docs/") && page !== "docs/index.md")
      .map((page) => page.slice("docs".length).replace(/(?:README)?\.md$/, ""))
    const others = Object.values(rootPages).map((rootPage) => `/project/${rootPage}`)
    expect([...shown].sort()).toStrictEqual([...own, ...others].sort())
  })
})

describe("a check of the documentation", () => {
  it("finds links that lead nowhere", () => {
    expect(linksOf("See [a](x.md#y), ![b](z.svg), `[no](no.md)`.\n\n```text\n[no](no.md)\n```\n")).toStrictEqual([
      "x.md#y",
      "z.svg"
    ])
    expect(linkFault("docs/dev.md", "nowhere.md")).toContain("no file")
    expect(linkFault("docs/dev.md", "secrets.md#nowhere")).toContain("no heading")
    expect(linkFault("docs/dev.md", "http://example.com")).toContain("https")
    expect(linkFault("docs/dev.md", "secrets.md#versions")).toBeUndefined()
  })

  it("makes anchors as GitHub does, numbered when a heading repeats", () => {
    expect([...anchorsOf("# A `.env` & [b](c.md)\n## Same\n## Same\n```sh\n# no heading\n```\n")]).toStrictEqual([
      "a-env--b",
      "same",
      "same-1"
    ])
  })

  it("finds blocks that aren't valid in their language", () => {
    for (const [language, text] of [
      ["ts", "const = 1"],
      ["json", "{ a: 1 }"],
      ["yaml", "a: [1"],
      ["toml", "a = "],
      ["sh", "echo 'open"],
      ["", "x"]
    ] as const) {
      assert(blockFault({ language, text }) !== undefined, language)
    }
  })

  it("points links to the site's own pages, and drops links to files that the site doesn't have", () => {
    expect(siteLink("docs/security.md", "../SECURITY.md#x")).toBe("/project/security-policy.md#x")
    expect(siteLink("docs/decisions/0001-a.md", "../auth.md")).toBe("/auth.md")
    expect(siteLink("README.md", "docs/decisions/README.md")).toBe("/decisions/")
    expect(siteLink("docs/auth.md", "https://example.com")).toBe("https://example.com")
    expect(siteLink("docs/auth.md", "../server/src/assembly/main.ts")).toBeUndefined()
    expect(onSite("CHANGELOG.md", "[a](docs/auth.md) [b](server/)")).toBe("[a](/auth.md) b")
  })

  it("finds requests of a page to another host", () => {
    expect(
      requestsIn('<link rel="x" href="https://a/f.css"><a href="https://b"></a><img src="//c/d.png"> url(https://e/f)')
    ).toStrictEqual(["https://a/f.css", "//c/d.png", "https://e/f"])
  })
})
