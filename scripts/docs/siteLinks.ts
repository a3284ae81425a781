import { posix } from "node:path"

/** Pages of the repository's root that the site shows under `project/`. */
export const rootPages: Readonly<Record<string, string>> = {
  "CHANGELOG.md": "changelog",
  "CONTRIBUTING.md": "contributing",
  "SECURITY.md": "security-policy"
}

/**
 * Translates a link to the site. Pages link file to file, as on GitHub, and the site doesn't have all of these files.
 * Undefined: the site doesn't have the target, so show the text without a link.
 *
 * @param page The page's file, from the repository's root.
 */
export const siteLink = (page: string, href: string): string | undefined => {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return href
  const [path = "", anchor] = href.split("#")
  const target = posix.normalize(posix.join(posix.dirname(page), path))
  const after = anchor === undefined ? "" : `#${anchor}`
  const own = rootPages[target]
  if (own !== undefined) return `/project/${own}.md${after}`
  if (!target.startsWith("docs/")) return undefined
  return `/${target.slice("docs/".length).replace(/(^|\/)README\.md$/, "$1")}${after}`
}

/** A page of the root as the site shows it. */
export const onSite = (page: string, markdown: string): string =>
  markdown.replace(/(?<!!)\[([^\]]*)\]\(([^)\s]+)\)/g, (_, text: string, href: string) => {
    const link = siteLink(page, href)
    return link === undefined ? text : `[${text}](${link})`
  })
