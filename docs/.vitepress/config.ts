import { copyFileSync, globSync, mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { slug } from "github-slugger"
import { defineConfig } from "vitepress"
import { searchWeight } from "../../scripts/docs/searchWeight.ts"
import { docsFolder, makeSidebar } from "../../scripts/docs/sidebar.ts"
import { siteLink } from "../../scripts/docs/siteLinks.ts"

/** The documentation as a site: `npm run docs`. It asks no other host for anything, so it works offline and tells nobody who reads it. */
export default defineConfig({
  title: "max-cloud",
  description: "Serverless containers on machines that you control",
  lang: "en",
  cacheDir: join(docsFolder, "../node_modules/.cache/vitepress"),
  // Wherever the site is put, also without a server that knows clean URLs.
  cleanUrls: false,
  rewrites: { ":folder/README.md": ":folder/index.md" },
  head: [["link", { rel: "icon", href: "/icon.svg", type: "image/svg+xml" }]],
  markdown: {
    anchor: { slugify: slug },
    config: (md) => {
      // Pages are no Vue templates: braces in them are text.
      for (const rule of ["text", "code_inline"] as const) {
        const render = md.renderer.rules[rule]
        md.renderer.rules[rule] = (...args) => render?.(...args).replaceAll("{{", "&#123;&#123;") ?? ""
      }
      // On a phone, a cell with sentences would be a column of single words.
      md.core.ruler.push("wide-cells", ({ tokens }) => {
        for (const [index, token] of tokens.entries()) {
          if (token.type === "td_open" && (tokens[index + 1]?.content.length ?? 0) > 60) token.attrJoin("class", "wide")
        }
      })
      md.core.ruler.push("site-links", (state) => {
        const page = `docs/${state.env.relativePath}`
        for (const { children } of state.tokens) {
          let isLink = true
          for (const token of children ?? []) {
            if (token.type === "link_open") {
              const link = siteLink(page, token.attrGet("href") ?? "")
              isLink = link !== undefined
              if (link !== undefined) token.attrSet("href", link)
            }
            if (!isLink && token.type.startsWith("link_")) Object.assign(token, { type: "text", content: "" })
          }
        }
      })
    }
  },
  buildEnd: ({ outDir }) => {
    for (const file of globSync("{{*,reference/*}.{json,yaml},pictures/*.svg}", { cwd: docsFolder })) {
      mkdirSync(dirname(join(outDir, file)), { recursive: true })
      copyFileSync(join(docsFolder, file), join(outDir, file))
    }
  },
  themeConfig: {
    logo: "/icon.svg",
    search: {
      provider: "local",
      options: { detailedView: false, miniSearch: { searchOptions: { boostDocument: searchWeight } } }
    },
    nav: [
      { text: "Getting started", link: "/getting-started" },
      { text: "Config", link: "/reference/config" },
      { text: "Command line", link: "/reference/cli" },
      { text: "Security", link: "/security" }
    ],
    sidebar: makeSidebar().map((each) => ({ ...each, items: [...each.items] })),
    outline: [2, 3],
    footer: { message: "Apache-2.0" }
  }
})
