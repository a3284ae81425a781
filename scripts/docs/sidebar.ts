import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { headingsOf } from "./markdown.ts"

export const docsFolder = join(import.meta.dirname, "../../docs")

export interface SidebarItem {
  readonly text: string
  /** A link as VitePress expects it: from the site's root, without `.md`. */
  readonly link: string
}

export interface SidebarGroup {
  readonly text: string
  readonly collapsed?: boolean
  readonly items: ReadonlyArray<SidebarItem | SidebarGroup>
}

const page = (text: string, name: string): SidebarItem => ({ text, link: `/${name}` })

/** Every page of a folder, with its own title. */
const pagesIn = (folder: string): ReadonlyArray<SidebarItem> =>
  readdirSync(join(docsFolder, folder))
    .filter((text) => text.endsWith(".md"))
    .sort((a, b) => Number(b === "README.md") - Number(a === "README.md") || a.localeCompare(b))
    .map((name) => {
      const [title = name] = headingsOf(readFileSync(join(docsFolder, folder, name), "utf8"))
      const number = /^(\d{4})-/.exec(name)?.[1]
      if (name === "README.md") return { text: "Overview", link: `/${folder}/` }
      return page(
        number === undefined || title.startsWith(number) ? title : `${number} ${title}`,
        `${folder}/${name.replace(/\.md$/, "")}`
      )
    })

/** References come from generators. A new one without a fixed position goes to the end. */
const references = (known: ReadonlyArray<SidebarItem>): ReadonlyArray<SidebarItem> => [
  ...known,
  ...pagesIn("reference").filter(({ link }) => !known.some((each) => each.link === link))
]

/** The site's pages, grouped by the reader's task. Decisions and internals come from their folders. */
export const makeSidebar = (): ReadonlyArray<SidebarGroup> => [
  {
    text: "Tutorial",
    items: [page("Getting started", "getting-started")]
  },
  {
    text: "How-to guides",
    items: [
      {
        text: "Build an app",
        items: [
          page("Develop locally", "dev"),
          page("Build a source", "frameworks"),
          page("Build an image", "images"),
          page("Stages and imports of a config", "config-files"),
          page("Link several apps", "many-apps"),
          page("Set fields of Kubernetes", "manifests"),
          page("Set secrets", "secrets"),
          page("Send events to a URL", "webhooks"),
          page("Describe the environment", "environment"),
          page("Test a config", "testing"),
          page("Policies", "policies"),
          page("Approve a plan", "plans"),
          page("Use the API", "api"),
          page("Use the client with Effect", "effect"),
          page("Clients in other languages", "clients"),
          page("The rules of the API", "api-rules")
        ]
      },
      {
        text: "Run it for a team",
        items: [
          page("Sign in, people and CI", "auth"),
          page("Operate the server", "operating"),
          page("Run on Kubernetes", "kubernetes"),
          page("Look into a running service", "debugging"),
          page("Monitor the platform", "monitoring"),
          page("Work behind a proxy", "proxies"),
          page("Set up a registry", "registry")
        ]
      }
    ]
  },
  {
    text: "Reference",
    items: references([
      page("maxcloud.config.ts", "reference/config"),
      page("Command line", "reference/cli"),
      page("Server settings", "reference/configuration"),
      page("Roles", "reference/roles"),
      page("Events", "reference/events"),
      page("Metrics", "reference/metrics"),
      page("Exports", "reference/exports"),
      page("Diagnoses", "reference/diagnoses"),
      page("Diagnosen (Deutsch)", "reference/diagnoses.de"),
      page("Compatibility", "compatibility"),
      page("Audit log and its format", "audit")
    ])
  },
  {
    text: "Explanation",
    items: [
      page("Architecture", "architecture"),
      page("The local runtime", "local-runtime"),
      page("The network on Kubernetes", "network"),
      page("Security", "security"),
      page("Privacy", "privacy"),
      page("Reliability", "reliability"),
      page("Benchmarks", "benchmarks"),
      { text: "Runbooks", collapsed: true, items: pagesIn("runbooks") },
      { text: "Internals", collapsed: true, items: pagesIn("internals") },
      { text: "Decisions", collapsed: true, items: pagesIn("decisions") }
    ]
  },
  {
    text: "Project",
    items: [
      page("Changelog", "project/changelog"),
      page("Contributing", "project/contributing"),
      page("Report a vulnerability", "project/security-policy")
    ]
  }
]

/** The links of a sidebar, from top to bottom. */
export const linksIn = (groups: ReadonlyArray<SidebarItem | SidebarGroup>): ReadonlyArray<string> =>
  groups.flatMap((group) => ("link" in group ? [group.link] : linksIn(group.items)))
